"""Timing of commands and calls. Never asserts."""

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def milliseconds(samples: Sequence[float]) -> dict[str, float]:
    """Minimum, median and 99th percentile of seconds, as milliseconds."""
    ordered = sorted(samples)
    return {
        "n": len(ordered),
        "min_ms": round(ordered[0] * 1000, 2),
        "p50_ms": round(statistics.median(ordered) * 1000, 2),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000, 2),
    }


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def side_by_side(
    actions: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, dict[str, float]]:
    """Every action in every round, so that noise meets all of them alike."""
    samples: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        action()
    for _ in range(rounds):
        for name, action in actions.items():
            samples[name].append(timed(action))
    return {name: milliseconds(found) for name, found in samples.items()}


def command(words: Sequence[str | Path], environ: Mapping[str, str]) -> Callable[[], object]:
    """An action that runs a command and wants it to succeed."""

    def run() -> object:
        return subprocess.run(
            [str(word) for word in words],
            env=dict(environ),
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    return run


def peak_rss_mb(pid: int) -> float:
    """Highest resident size of a process so far, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


Figures = dict[str, Any]
