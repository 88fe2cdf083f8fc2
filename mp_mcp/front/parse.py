"""The words of a command line: which command they mean, and with which values.

Never runs or prints anything. By hand instead of argparse, which finds no flags between the words
of a command, takes `-1d` for a flag where a value must stand, and costs 6 ms more at every start.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mp_mcp.errors import UsageError
from mp_mcp.front.command import Argument, Command, unknown
from mp_mcp.front.flags import EVERYWHERE, HELP, VERSION, Flags, Option, set_flag, spelled

Find = Callable[[tuple[str, ...]], Command]
"""The command or group of these words. Raises: UsageError when there is none."""


class Meant(NamedTuple):
    """What a command line means. `asks` is HELP or VERSION when it only wants to know that."""

    command: Command
    flags: Flags
    values: dict[str, Any]
    asks: Option | None = None


def parse(words: Sequence[str], find: Find) -> Meant:
    """Read a command line. Raises: UsageError."""
    line = _Line(words, find)
    line.read()
    flags = Flags()
    if line.asks is not None:
        return Meant(line.command, flags, {}, line.asks)
    if line.command.run is None and [*words][-1:] != [*line.command.words][-1:]:
        raise _wrong(line.command, "A command is missing.")
    own: list[tuple[Option, str | None]] = []
    for spelling, option, text in line.given:
        if option is EVERYWHERE.get(spelling):
            set_flag(flags, option, _value(line.command, option, text))
        else:
            own.append((option, text))
    # `--chart out.jpg`: the flag did not take the word, and nothing else may want it either.
    notes = [f" {_endings(n, one)}" for n, one, text in line.given if one.endings and text is None]
    values = _values(line.command, own, line.placed, "".join(notes))
    return Meant(line.command, flags, values)


class _Line:
    """A command line that is read from left to right; flags and words may alternate."""

    def __init__(self, words: Sequence[str], find: Find) -> None:
        self._rest = list(words)
        self._find = find
        self._enter(find(()))
        self.given: list[tuple[str, Option, str | None]] = []
        self.placed: list[str] = []
        self.asks: Option | None = None

    def read(self) -> None:
        """Read to the end, or to the first --help or --version."""
        flags_have_ended = False
        while self._rest and self.asks is None:
            word = self._rest.pop(0)
            if word == "--" and not flags_have_ended:
                flags_have_ended = True
            elif _is_flag(word) and not flags_have_ended:
                self._take_flags(word)
            elif self.command.leads_on(word) and not self._has_own(flags_have_ended):
                self._enter(self._find((*self.command.words, word)))
            else:
                self.placed.append(word)

    def _has_own(self, flags_have_ended: bool) -> bool:
        """Whether this very command has got something: then no longer command is meant."""
        own = self._own.values()
        has_flags = any(option in own for _, option, _ in self.given)
        return self.command.run is not None and (flags_have_ended or bool(self.placed) or has_flags)

    def _enter(self, command: Command) -> None:
        self.command = command
        self._own = {name: option for option in command.options for name in option.spellings}

    def _take_flags(self, word: str) -> None:
        """`--limit=5`, `--limit` with the next word, `-l5` and so on, or `-qv`."""
        if word.startswith("--"):
            name, equals, text = word.partition("=")
            self._take(name, text if equals else None)
            return
        letters = word[1:]
        while letters:
            name, letters = "-" + letters[0], letters[1:]
            if self._option(name).metavar and letters:
                self._take(name, letters.removeprefix("="))
                return
            self._take(name, None)

    def _take(self, name: str, text: str | None) -> None:
        option = self._option(name)
        if option in (HELP, VERSION):
            self.asks = option
        if option.metavar is None and text is not None:
            raise _wrong(self.command, f"Option {name} does not take a value.")
        if option.endings:
            text = self._ending_word(option) if text is None else text
            if text is not None and not text.lower().endswith(option.endings):
                raise _wrong(self.command, _endings(name, option))
        elif option.metavar is not None and text is None:
            if not self._rest:
                raise _wrong(self.command, f"Option {name} needs a value.")
            # Whatever it is: a value may start with a dash.
            text = self._rest.pop(0)
        self.given.append((name, option, text))

    def _ending_word(self, option: Option) -> str | None:
        """The next word, if it can only be the value."""
        follows = self._rest and self._rest[0].lower().endswith(option.endings)
        return self._rest.pop(0) if follows else None

    def _option(self, name: str) -> Option:
        option = self._own.get(name) or EVERYWHERE.get(name)
        if option is None:
            otherwise = f"See `{self.command.line} --help`; after -- a value may start with a dash."
            raise unknown("option", name, [*self._own, *EVERYWHERE], otherwise)
        return option


def _is_flag(word: str) -> bool:
    """Whether it starts like a flag; a lone dash is stdin, and -5 is a number."""
    return len(word) > 1 and word[0] == "-" and word[1] not in "0123456789."


def _values(
    command: Command, given: list[tuple[Option, str | None]], placed: list[str], note: str
) -> dict[str, Any]:
    values = _assigned(command, placed, note)
    for option, text in given:
        value = _value(command, option, text)
        if option.many:
            values.setdefault(option.name, []).append(value)
        else:
            values[option.name] = value
    takes: list[Argument | Option] = [*command.arguments, *command.options]
    for one in takes:
        if one.required and one.name not in values:
            raise _wrong(command, f"Missing {_called(one)}.")
    return values


def _assigned(command: Command, placed: list[str], note: str) -> dict[str, Any]:
    """Values by their place; the note is for whoever gave a word too many."""
    values: dict[str, Any] = {}
    rest = list(placed)
    for argument in command.arguments:
        if rest and argument.many:
            values[argument.name] = [_value(command, argument, text) for text in rest]
            rest.clear()
        elif rest:
            values[argument.name] = _value(command, argument, rest.pop(0))
    if rest:
        raise _wrong(command, f"Unexpected argument: {rest[0]}{note and '.' + note}")
    return values


def _value(command: Command, one: Argument | Option, text: str | None) -> Any:
    if text is None:
        return isinstance(one, Option) and one.meaning
    if one.kind == "one_of" and isinstance(one, Option) and text not in one.choices:
        choices = ", ".join(one.choices)
        raise _wrong(command, f"Invalid {_called(one)}: {text!r} is not one of {choices}.")
    if one.kind not in KINDS:
        return text
    convert, name = KINDS[one.kind]
    try:
        return convert(text)
    except ValueError as error:
        raise _wrong(command, f"Invalid {_called(one)}: {text!r} is not {name}.") from error


def _absolute(path: str) -> str:
    """As the server needs it, because its folder is not ours."""
    from pathlib import Path

    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError as error:  # ~nobody
        raise ValueError from error


KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "int": (int, "a valid integer"),
    "float": (float, "a valid number"),
    "path": (_absolute, "a path in a folder that exists"),
}
"""What becomes of a value's text, by kind, and what a text has to be for it."""


def _endings(name: str, option: Option) -> str:
    return f"Option {name} takes a file that ends in {' or '.join(option.endings)}."


def _called(one: Argument | Option) -> str:
    if isinstance(one, Option):
        return f"option {spelled(one)}"
    return f"argument {one.metavar.removesuffix('...')}"


def _wrong(command: Command, message: str) -> UsageError:
    return UsageError(message, hint=f"See `{command.line} --help`.")
