"""The tree in the docstring of errors.py is the tree of its classes, codes and exit codes."""

import inspect
import re
from collections.abc import Iterator

from mp_mcp import errors
from mp_mcp.errors import ExitCode, MpError

Line = tuple[int, str, str, int]


def written() -> list[Line]:
    """Depth, name, code and exit code of every line of the tree in the docstring."""
    found = re.findall(r"^( *)(\w+Error) +(\w+) +(\d+)$", str(errors.__doc__), re.MULTILINE)
    depths = [len(spaces) // 2 - 2 for spaces, *_ in found]
    return [
        (depth, name, code, int(exit_code))
        for depth, (_, name, code, exit_code) in zip(depths, found, strict=True)
    ]


def defined(error: type[MpError] = MpError, depth: int = 0) -> Iterator[Line]:
    """The same of the classes, in the order of their definition."""
    if error is not MpError:
        yield depth, error.__name__, error.code, int(error.exit_code)
    for inner in error.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from defined(inner, depth + 1)


def test_the_documented_tree_is_the_tree() -> None:
    assert written() == list(defined())


def test_every_error_says_in_one_line_when_it_is_raised() -> None:
    names = [name for _, name, _, _ in defined()]
    documented = [str(inspect.getdoc(getattr(errors, name))) for name in names]
    assert all("\n" not in text and text.endswith(".") for text in documented)


def test_the_heading_names_the_base_class() -> None:
    assert re.search(r"^ +MpError +code +exit$", str(errors.__doc__), re.MULTILINE)


def test_exit_codes_are_those_that_people_know() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "UNEXPECTED": 1,
        "AUTHENTICATION": 2,
        "INVALID": 3,
        "NOT_FOUND": 4,
        "RATE_LIMITED": 5,
        "DATABASE_LOCKED": 6,
        "MIXPANEL_UNAVAILABLE": 7,
        "INTERRUPTED": 130,
    }


def test_every_error_of_the_package_is_in_the_tree() -> None:
    import mp_mcp.tools
    from mp_mcp.tool import discover

    discover(mp_mcp.tools)
    pending, foreign = [MpError], []
    while pending:
        error = pending.pop()
        pending.extend(error.__subclasses__())
        if error.__module__.startswith("mp_mcp.") and error.__module__ != errors.__name__:
            foreign.append(error)
    assert foreign == []
