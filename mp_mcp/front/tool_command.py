"""One tool as a command, from its row of the generated table.

Never validates a value (the server does), and never imports a tool.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from mp_mcp.errors import UsageError
from mp_mcp.front.command import Argument, Command
from mp_mcp.front.flags import Flags, Option

RunTool = Callable[[Flags, str, dict[str, Any], bool], None]
"""Run a tool: flags, tool name, arguments, whether one value is wanted."""


class Extra(NamedTuple):
    """A flag that only `mp` has: its value is read from a file and `fills` an argument, or it asks
    for one bare value when it fills nothing.
    """

    names: tuple[str, ...]
    help: str
    fills: str | None = None

    @property
    def key(self) -> str:
        """Its key among the values that were given."""
        return self.names[-1].lstrip("-").lower()


EXTRAS: Mapping[str, tuple[Extra, ...]] = {
    "query_sql": (
        Extra(("-F", "--file"), "Read the SQL from this file", fills="sql"),
        Extra(("-s", "--scalar"), "Print the one value of the answer, nothing else"),
    ),
    "query_jql": (Extra(("FILE",), "Read the script from this file", fills="script"),),
}


@cache
def table() -> dict[str, Any]:
    """The tools, by name, as `python -m mp_mcp.front.generate` wrote them."""
    path = __file__.replace("tool_command.py", "command_table.json")
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 4 ms of every start
        found: dict[str, Any] = json.load(file)
    return found


def spoken(text: str) -> str:
    """A hint for people: tools are named as their commands."""
    words = text.split(" ")
    for place, word in enumerate(words):
        name = word.strip(".,:;()`")
        if "_" in name and name in table():
            command = "`mp " + " ".join(table()[name]["words"]) + "`"
            words[place] = word.replace("`", "").replace(name, command)
    return " ".join(words)


def tool_command(name: str, run: RunTool) -> Command:
    """A tool as a command."""
    row = table()[name]
    extras = EXTRAS.get(name, ())
    filled = {extra.fills for extra in extras}
    own = [_parameter(found, needed=found["name"] not in filled) for found in row["parameters"]]
    own += [_extra(extra) for extra in extras]

    def invoke(flags: Flags, values: dict[str, Any]) -> None:
        arguments = dict(values)
        wants_one = _fill(extras, arguments)
        _join(row["parameters"], arguments)
        missing = [p for p in row["parameters"] if p["required"] and p["name"] not in arguments]
        if missing:
            raise UsageError(
                f"Missing argument {_spelling(missing[0])}.",
                hint=f"{_ways(extras)}See `mp {' '.join(row['words'])} --help`.",
            )
        confirm(name, arguments)
        run(flags, name, arguments, wants_one)

    return Command(
        words=tuple(row["words"]),
        help=row["help"],
        arguments=tuple(one for one in own if isinstance(one, Argument)),
        options=tuple(one for one in own if isinstance(one, Option)),
        run=invoke,
        example=row.get("example"),
    )


def _parameter(found: Mapping[str, Any], *, needed: bool) -> Argument | Option:
    name, kind, required = found["name"], found["kind"], found["required"] and needed
    if "argument" in found:
        many = bool(found.get("many"))
        return Argument(name, found["argument"], _help(found), kind, required, many)
    return Option(
        name,
        tuple(found["flags"]),
        _help(found),
        _metavar(found),
        kind,
        tuple(found.get("choices", ())),
        required,
        many=kind in ("list", "pairs"),
    )


def _extra(extra: Extra) -> Argument | Option:
    if not extra.names[0].startswith("-"):
        return Argument(extra.key, extra.names[0], extra.help, required=False)
    return Option(extra.key, extra.names, extra.help, "FILE" if extra.fills else None)


def _ways(extras: tuple[Extra, ...]) -> str:
    names = [extra.names[-1] for extra in extras if extra.fills]
    ways = [f"{name} FILE" if name.startswith("-") else "a FILE" for name in names]
    return f"Pass it, or - to read it from stdin, or {ways[0]}. " if ways else ""


def _fill(extras: tuple[Extra, ...], values: dict[str, Any]) -> bool:
    """Put what `mp` itself reads into the arguments; True when one bare value is wanted."""
    wants_one = False
    for extra in extras:
        if extra.fills is None:
            wants_one = bool(values.pop(extra.key, False))
            continue
        path = values.pop(extra.key, None)
        if path is not None and values.get(extra.fills) is not None:
            raise UsageError(f"Give {extra.fills} or a file, not both.", hint="Leave one out.")
        if path is not None:
            values[extra.fills] = _read(path)
        elif values.get(extra.fills) == "-":
            values[extra.fills] = sys.stdin.read()
    return wants_one


def confirm(tool: str, arguments: dict[str, Any]) -> None:
    """Ask the person at a terminal what an agent has to confirm by an argument."""
    row = table()[tool]
    if needs_confirming(tool) and "confirm" not in arguments and sys.stdin.isatty():
        named = [text for value in arguments.values() for text in _texts(value)]
        from mp_mcp.front import ask

        ask.confirmed(f"{' '.join([*row['words'], *named])}?")
        arguments["confirm"] = True


def needs_confirming(tool: str) -> bool:
    """Whether the tool does nothing until somebody has agreed."""
    return any(found["name"] == "confirm" for found in table()[tool]["parameters"])


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _join(parameters: list[dict[str, Any]], arguments: dict[str, Any]) -> None:
    """`-P a=1 -P b=2` as one object, `-e A -e B` as one list."""
    for found in parameters:
        texts = arguments.get(found["name"])
        if found["kind"] == "pairs" and texts is not None:
            pairs = [text.partition("=") for text in texts]
            if any(not equals for _, equals, _ in pairs):
                raise UsageError(f"{_spelling(found)} takes KEY=VALUE.", hint="Add the = sign.")
            arguments[found["name"]] = {key: value for key, _, value in pairs}
        elif found["kind"] == "list" and "flags" in found and texts is not None:
            if len(texts) > 1 and any(text.lstrip().startswith("[") for text in texts):
                raise UsageError(
                    f"{_spelling(found)} takes one JSON array.", hint="Put all names into it."
                )
            arguments[found["name"]] = ",".join(texts)


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    from pathlib import Path

    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}.", hint="Check the path.") from error


def _help(found: Mapping[str, Any]) -> str:
    notes = []
    if found.get("default") not in (None, [], False):
        notes.append(f"default {found['default']}")
    if "range" in found:
        notes.append(found["range"])
    return str(found["help"]) + (f"  [{'; '.join(notes)}]" if notes else "")


def _metavar(found: Mapping[str, Any]) -> str | None:
    if found["kind"] == "bool":
        return None
    if "choices" in found:
        return "[" + "|".join(found["choices"]) + "]"
    names = {"int": "N", "float": "N", "day": "YYYY-MM-DD", "list": "A,B", "pairs": "K=V"}
    return names.get(str(found["kind"]), "TEXT")


def _spelling(found: Mapping[str, Any]) -> str:
    return str(found.get("argument") or " / ".join(found["flags"]))
