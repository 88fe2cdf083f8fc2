"""A name for the socket that fits into `sockaddr_un`: macOS allows 104 bytes, Linux 108.

Never leaves the process in another folder. Standard library only.
"""

import _thread
import os
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 100
"""In bytes; longer paths are reached from inside their folder."""

OPEN_FILES = "/proc/self/fd"
"""Where Linux shows open folders, under short names."""

_moving = _thread.allocate_lock()


@contextmanager
def to_bind(path: str) -> Iterator[str]:
    """The name under which a server binds its socket, before it has any other thread."""
    # Relative: the listener remembers its name, and a number of an open folder is soon another's.
    if fits(path):
        yield path
    else:
        with _from_inside(path) as name:
            yield name


@contextmanager
def to_dial(path: str) -> Iterator[str]:
    """The name under which a client finds the socket; other threads may run."""
    if fits(path):
        yield path
    elif os.path.isdir(OPEN_FILES):  # noqa: PTH112 - pathlib costs 4 ms of every start
        with _through_an_open_folder(path) as name:
            yield name
    else:
        with _from_inside(path) as name:
            yield name


def fits(path: str) -> bool:
    """Whether the path can be used as it is."""
    return len(os.fsencode(path)) <= LONGEST


@contextmanager
def _through_an_open_folder(path: str) -> Iterator[str]:
    folder, _, name = path.rpartition("/")
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield f"{OPEN_FILES}/{opened}/{name}"
    finally:
        os.close(opened)


@contextmanager
def _from_inside(path: str) -> Iterator[str]:
    """One thread at a time; nothing else of ours uses a relative path."""
    folder, _, name = path.rpartition("/")
    with _moving:
        before = os.open(".", os.O_RDONLY)
        try:
            os.chdir(folder)
            yield name
        finally:
            os.fchdir(before)
            os.close(before)
