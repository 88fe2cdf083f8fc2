"""Questions to the person at the terminal, on stderr; imported when one is asked.

Never asks where nobody sits: callers look whether stdin is a terminal. Ctrl-C and the end of input
both are KeyboardInterrupt, and leave the terminal at the start of a line.
"""

import sys
from collections.abc import Callable, Sequence
from getpass import getpass

from mp_mcp.front import talk


def answer(question: str) -> str:
    """What the person types, without the spaces around it; asked until there is something."""
    return _asked(lambda: _visible(f"{question}: "))


def secret(what: str) -> str:
    """The same, without showing it."""
    return _asked(lambda: getpass(f"{what}: "))


def one_of(question: str, choices: Sequence[str]) -> str:
    """One of these, asked until it is one."""
    while (found := answer(question)) not in choices:
        talk.say(f"{found} is not one of {', '.join(choices)}")
    return found


def confirmed(question: str) -> None:
    """Go on only after a yes. Raises: KeyboardInterrupt."""
    if _or_interrupt(lambda: _visible(f"{question} [y/N]: ")).strip().lower() not in ("y", "yes"):
        raise KeyboardInterrupt


def _asked(read: Callable[[], str]) -> str:
    while not (found := _or_interrupt(read).strip()):
        pass
    return found


def _or_interrupt(read: Callable[[], str]) -> str:
    try:
        return read()
    except (EOFError, KeyboardInterrupt) as error:
        sys.stderr.write("\n")
        raise KeyboardInterrupt from error


def _visible(prompt: str) -> str:
    """Not `input`: it would write the question to stdout, which is for data."""
    sys.stderr.write(talk.printable(prompt))
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line
