"""`mp completion ...`: the words that a shell may offer, from the table of commands.

Never asks a server or Mixpanel, and never fails on a half-typed line: it has nothing to offer.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from mp_mcp.errors import UsageError
from mp_mcp.front import commands, render
from mp_mcp.front.command import Argument, Command, command
from mp_mcp.front.flags import EVERYWHERE, Flags, Option
from mp_mcp.front.parse import Find

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
    Argument("shell", "SHELL", f"One of {', '.join(SCRIPTS)}"),
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
    render.write("".join(f"{one}\n" for one in offers(words)) if words else SCRIPTS[shell])


def offers(words: Sequence[str]) -> list[str]:
    """What may stand in the place of the last word."""
    # bash makes three words of --format=json, and two of --format=
    before = [word for word in words[:-1] if word != "="]
    last = words[-1].removeprefix("=")
    with suppress(UsageError):
        at, open_option = _standing(before, lambda words: commands.find(words, _nothing))
        return [one for one in _possible(at, open_option, last) if one.startswith(last)]
    return []


def _standing(before: Sequence[str], find: Find) -> tuple[Command, Option | None]:
    """The command that these words lead to, and the flag that waits for its value."""
    at, waiting = find(()), None
    for word in before:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            option = _options(at).get(word)
            waiting = option if option and option.metavar else None
        elif at.leads_on(word):
            at = find((*at.words, word))
    return at, waiting


def _possible(at: Command, open_option: Option | None, last: str) -> Sequence[str]:
    if open_option is not None:
        return open_option.choices
    return list(_options(at)) if last.startswith("-") else [word for word, _ in at.members]


def _options(at: Command) -> Mapping[str, Option]:
    return EVERYWHERE | {name: option for option in at.options for name in option.spellings}


def _nothing(*_: object) -> None:
    """Run no tool."""
