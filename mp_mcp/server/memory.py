"""How much memory this process takes, and the most that it may: DuckDB's own limit does not hold
for huge values.

Never raises a limit that somebody else has set, and never fails where nobody can tell.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

GB = 1024**3


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


def resident_bytes() -> int:
    """What it takes now; where the system does not say, the most that it ever took."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return _most_ever()


def _most_ever() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
