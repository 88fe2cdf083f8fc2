"""The most memory that this process may take: DuckDB's own limit does not hold for huge values.

Never raises a limit that somebody else has set.
"""

import sys
from contextlib import suppress

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
