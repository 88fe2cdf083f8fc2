"""How much memory this process takes. Never fails where nobody can tell."""

import os
import sys
from pathlib import Path


def resident_bytes() -> int:
    """What it takes now; where the system does not say, the most that it ever took."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        if sys.platform == "win32":
            return 0
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
