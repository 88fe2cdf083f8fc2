"""What the server takes of the machine, as the kernel tells it. Never asks the server."""

import os
from pathlib import Path
from typing import NamedTuple


class Taken(NamedTuple):
    """Memory and descriptors of a process."""

    rss_kb: int
    fds: int
    threads: int


def taken_by(pid: int) -> Taken:
    """As it is now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = dict(line.split(":", 1) for line in status.splitlines())
    fds = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    return Taken(int(found["VmRSS"].split()[0]), fds, int(found["Threads"]))


def milliseconds(samples: list[float]) -> dict[str, float]:
    """How many, and how long the middle one and the slowest of a hundred took."""
    ordered = sorted(samples)
    slowest = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    middle = ordered[len(ordered) // 2]
    return {
        "count": len(ordered),
        "p50_ms": round(middle * 1000, 1),
        "p99_ms": round(slowest * 1000, 1),
    }
