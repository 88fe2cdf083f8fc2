"""The most memory that this process may take, and giving back what nobody uses any more.

DuckDB's own limit does not hold for huge values. Never raises a limit that somebody else has set.
"""

import sys
from contextlib import suppress

GB = 1024**3


def give_back() -> None:
    """Return freed memory to the system: glibc keeps a heap for each of many threads.

    Takes some milliseconds, during which other threads may wait for memory: for a quiet moment.
    """
    if sys.platform != "linux":
        return
    import ctypes

    # Other C libraries have no such function, and keep less.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


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
