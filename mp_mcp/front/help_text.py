"""The help of a command, as people read it; imported when they ask for it.

Never decides what a command takes, and never is wider than the terminal.
"""

import os
from collections.abc import Sequence

from mp_mcp.front.command import Command
from mp_mcp.front.flags import HELP, OUTPUT, VERSION, Option
from mp_mcp.front.talk import terminal_width

WIDEST = 98
NARROWEST = 50
WIDEST_TERM = 30
"""Explanations of longer terms start on a line of their own."""

EXIT_CODES = (
    "Exit codes: 0 ok, 1 unexpected, 2 authentication or plan, 3 invalid arguments or query, "
    "4 not found, 5 rate limited, 6 database locked by another program, 7 Mixpanel unavailable, "
    "130 interrupted."
)
ALSO = ("-f/--format", "-q", "-v", "-a/--account", "-p/--project", "--fresh")

Row = tuple[str, str]


def help_of(command: Command) -> str:
    """The whole text, with its line end."""
    width = _width()
    lines = [f"Usage: {_usage(command)}", *_paragraphs(command.help, width)]
    if command.example:
        lines += ["", "  Example:", f"    {command.example}"]
    lines += _section("Arguments", _arguments(command), width)
    lines += _section("Options", [_option(one) for one in _options(command)], width)
    lines += _section("Commands", command.members, width)
    lines += _paragraphs(_ending(command), width)
    return "\n".join(lines) + "\n"


def _width() -> int:
    chosen = os.environ.get("COLUMNS", "")
    columns = int(chosen) if chosen.isdecimal() else terminal_width()
    return max(NARROWEST, min(columns - 2, WIDEST))


def _usage(command: Command) -> str:
    words = [command.line, "[OPTIONS]"]
    words += [name for name, _ in _arguments(command)]
    return " ".join(words if command.run else [*words, "COMMAND [ARGS]..."])


def _arguments(command: Command) -> list[Row]:
    return [
        (one.metavar if one.required else f"[{one.metavar}]", one.help) for one in command.arguments
    ]


def _options(command: Command) -> list[Option]:
    """Its own, and all that every command takes where that is the subject."""
    return [*command.options, *(() if command.words else (*OUTPUT, VERSION)), HELP]


def _option(option: Option) -> Row:
    term = ", ".join(option.spellings)
    needed = "  [required]" if option.required else ""
    return f"{term} {option.metavar}" if option.metavar else term, option.help + needed


def _ending(command: Command) -> str:
    if not command.words:
        return EXIT_CODES
    if command.run is None:
        return ""
    taken = {spelling for option in command.options for spelling in option.spellings}
    free = ["/".join(name for name in flag.split("/") if name not in taken) for flag in ALSO]
    return f"Also: {', '.join(filter(None, free))}; see `mp --help`."


def _paragraphs(text: str, width: int) -> list[str]:
    lines = []
    for paragraph in text.split("\n\n"):
        if paragraph.strip():
            lines += ["", *(f"  {line}" for line in _wrapped(paragraph, width - 2))]
    return lines


def _section(title: str, rows: Sequence[Row], width: int) -> list[str]:
    """Terms and what they mean, in two columns."""
    if not rows:
        return []
    lines = ["", f"{title}:"]
    left = min(max(len(term) for term, _ in rows), WIDEST_TERM) + 4
    for term, meaning in rows:
        first, *more = _wrapped(meaning, width - left) or [""]
        if len(term) > WIDEST_TERM:
            lines += [f"  {term}", " " * left + first]
        else:
            lines.append(f"  {term}".ljust(left) + first)
        lines += [" " * left + line for line in more]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of whole words: no command or flag is broken at its dash."""
    lines: list[str] = []
    for word in text.replace("  [", " \0[").split():
        # Notes such as [default 10] stand two spaces apart.
        spaced = word.replace("\0", " ")
        if lines and len(lines[-1]) + 1 + len(spaced) <= width:
            lines[-1] += f" {spaced}"
        else:
            lines.append(spaced.strip())
    return lines
