"""`mp completion ...`: the words that a shell may offer, from the table of commands.

Names of events and tables come from what a running server knows. Never starts a server, never asks
Mixpanel, and never fails on a half-typed line: it has nothing to offer.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from mp_mcp.errors import MpError, UsageError
from mp_mcp.front import commands, render
from mp_mcp.front.command import Argument, Command, command
from mp_mcp.front.flags import EVERYWHERE, Flags, Option
from mp_mcp.front.parse import Find

NAMED = {
    **dict.fromkeys(("event", "events", "born", "return"), "event"),
    **dict.fromkeys(("property", "on", "column"), "property"),
    "table": "table",
}
"""Values that are names, by what they are called, and what the server calls these."""

SCRIPTS = {
    "bash": """\
_mp() {
    local IFS=$'\\n'
    COMPREPLY=($(mp completion bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _mp mp
""",
    "zsh": """\
_mp() {
    local -a offers=("${(@f)$(mp completion zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$offers" ]]; then compadd -a offers; else _files; fi
}
compdef _mp mp
""",
    "fish": """\
complete -c mp -a '(mp completion fish -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}


@command(
    Argument("shell", "SHELL", f"One of {', '.join(SCRIPTS)}", choices=tuple(SCRIPTS)),
    Argument(
        "words",
        "WORD...",
        "What is typed so far: print what may stand for the last word",
        required=False,
        many=True,
    ),
)
def completion(_: Flags, shell: str, words: Sequence[str] = ()) -> None:
    """Print a script that makes your shell complete the words of mp.

    Put `eval "$(mp completion bash)"` into ~/.bashrc, the same with zsh into ~/.zshrc below
    compinit, or `mp completion fish | source` into ~/.config/fish/config.fish.
    """
    if shell not in SCRIPTS:
        raise UsageError(f"No completion for {shell}.", hint=f"Choose {', '.join(SCRIPTS)}.")
    if not words:
        render.write(SCRIPTS[shell])
        return
    # zsh and fish quote what they insert; bash does where a quote was typed.
    quoted = shell == "bash" and words[-1][:1] not in ("'", '"')
    shown = (_escaped(one) if quoted else one for one in offers(words))
    render.write("".join(f"{one}\n" for one in shown))


class _At(NamedTuple):
    """Where a half-typed line stands."""

    command: Command
    open_option: Option | None
    placed: int
    said: Mapping[str, str]


def offers(words: Sequence[str]) -> list[str]:
    """What may stand in the place of the last word."""
    # bash makes three words of --format=json, and two of --format=
    before = [word for word in words[:-1] if word != "="]
    last = words[-1].removeprefix("=").lstrip("'\"").replace("\\", "")
    with suppress(UsageError):
        at = _standing(before, lambda words: commands.find(words, _nothing))
        return [one for one in _possible(at, last) if one.startswith(last) and one.isprintable()]
    return []


def _standing(before: Sequence[str], find: Find) -> _At:
    """The command that these words lead to, and the flag that waits for its value."""
    at, waiting, placed, said = find(()), None, 0, {}
    for word in before:
        if waiting is not None:
            said[waiting.name] = word
            waiting = None
        elif word.startswith("-"):
            option = _options(at).get(word)
            waiting = option if option and option.metavar and not option.endings else None
        elif at.leads_on(word):
            at = find((*at.words, word))
        else:
            placed += 1
    return _At(at, waiting, placed, said)


def _possible(at: _At, last: str) -> Sequence[str]:
    if at.open_option is not None:
        kind = NAMED.get(at.open_option.name)
        return at.open_option.choices or (_names(kind, at, last) if kind else ())
    if last.startswith("-"):
        return list(_options(at.command))
    members = [word for word, _ in at.command.members] if at.placed == 0 else []
    arguments = at.command.arguments
    is_many = bool(arguments) and arguments[-1].many
    if at.placed >= len(arguments) and not is_many:
        return members
    argument = arguments[min(at.placed, len(arguments) - 1)]
    kind = NAMED.get(argument.name)
    return [*members, *(argument.choices or (_names(kind, at, last) if kind else ()))]


def _names(kind: str, at: _At, last: str) -> Sequence[str]:
    """Names that the server knows of; none when there is no server. Never starts one."""
    from mp_mcp.front import link
    from mp_mcp.server.lease import Absent
    from mp_mcp.settings import asking, find_home

    account, project, space = map(at.said.get, ("account", "project", "workspace"))
    chosen = asking(account=account, project=project, workspace=space)
    others = {"event": at.said["event"]} if "event" in at.said else {}
    # Of `Signup,Lo` only the end is looked for.
    begun, comma, end = last.rpartition(",") if kind == "event" else ("", "", last)
    with suppress(Absent, MpError):
        found = link.complete(find_home(), chosen, kind, end, others)
        return [begun + comma + name for name in found]
    return ()


def _options(at: Command) -> Mapping[str, Option]:
    return EVERYWHERE | {name: option for option in at.options for name in option.spellings}


def _escaped(text: str) -> str:
    return "".join(c if c.isalnum() or c in "_-,.:/=@%+" else f"\\{c}" for c in text)


def _nothing(*_: object) -> None:
    """Run no tool."""
