"""The most memory that this process may take, how it is kept, and giving back what nobody uses.

DuckDB's own limit does not hold for huge values. Never raises a limit that somebody else has set.
"""

import gc
import os
import sys
from contextlib import suppress

GB = 1024**3
M_ARENA_MAX = -8
"""Of glibc's malloc.h."""


def few_heaps() -> None:
    """Let threads share a heap per processor, before they make more: glibc allows eight times that.

    Half-empty heaps are what a busy server grows by.
    """
    _glibc("mallopt", M_ARENA_MAX, max(2, os.cpu_count() or 2))


def give_back() -> None:
    """Return to the system what is freed, and what only points at itself.

    Takes some milliseconds, during which other threads wait: for a quiet moment.
    """
    gc.collect()
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    """Other C libraries have no such functions, and keep less."""
    if sys.platform == "linux":
        import ctypes

        found = getattr(ctypes.CDLL(None), function, None)
        if found is not None:
            found(*arguments)


def limit(gigabytes: float) -> None:
    """Make what would take more fail cleanly, as an error of the call that wanted it."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = int(gigabytes * GB)
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    # Some systems refuse: then DuckDB's own limit has to do.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
