"""What a command is: its words, what it takes, and the function that runs it.

Never reads a command line (`parse.py`) and never explains itself (`help_text.py`).
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from mp_mcp.errors import UsageError
from mp_mcp.front.flags import Flags, Option
from mp_mcp.wording import closest

Run = Callable[[Flags, dict[str, Any]], None]
"""Gets the flags of every command, and by name those values of its own that were given."""


class Argument(NamedTuple):
    """A value without a flag, known by its place; one that takes `many` is the last."""

    name: str
    metavar: str
    help: str = ""
    kind: str = "str"
    required: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()
    """Words that a shell may offer."""


class Command(NamedTuple):
    """A command that runs, or a group of commands; `mp history` is both."""

    words: tuple[str, ...]
    help: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    run: Run | None = None
    members: tuple[tuple[str, str], ...] = ()
    """Of a group: the next words, each with its explanation."""

    example: str | None = None

    @property
    def line(self) -> str:
        """The command as it is typed, without what it takes."""
        return " ".join(("mp", *self.words))

    def leads_on(self, word: str) -> bool:
        """Whether the word is a part of a longer command, not a value of this one."""
        return self.run is None or any(word == name for name, _ in self.members)


def command(*parameters: Argument | Option) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function: its docstring is the help, its defaults are the defaults."""

    def made(function: Callable[..., None]) -> Command:
        return Command(
            words=(),  # its module does not know where it hangs: see commands.BY_HAND
            help=function.__doc__ or "",
            arguments=tuple(one for one in parameters if isinstance(one, Argument)),
            options=tuple(one for one in parameters if isinstance(one, Option)),
            run=lambda flags, values: function(flags, **values),
        )

    return made


def unknown(what: str, name: str, known: Iterable[str], otherwise: str) -> UsageError:
    """The error for a name that is not `known`: its hint is the closest one, or `otherwise`."""
    near = closest(name, known)
    hint = f"Did you mean {near[0]}?" if near else otherwise
    return UsageError(f"No such {what}: {name}", hint=hint)
