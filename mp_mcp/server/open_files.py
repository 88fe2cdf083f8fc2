"""How many files and connections this process may have open.

Never lowers a limit, and never goes beyond the one that somebody else has set.
"""

import sys
from contextlib import suppress

ENOUGH = 4096
"""For all clients of both doors, and the databases. Some systems start programs with 256."""


def allow_enough() -> None:
    """Use what the system allows: where none is left, not even `mp server stop` is let in."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems refuse: then it has to do with what there is.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def allowed() -> int:
    """How many may be open at once."""
    if sys.platform == "win32":
        return ENOUGH
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else soft
