"""Windows: how days are cut into exports, each of which costs one of 60 per hour.

Never asks for anything: it plans by what the exports so far weighed and what the hour has left.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import ceil

from mp_mcp.mixpanel.models import ExportedFile, Window

MOST_WINDOWS = 50
"""Exports that one fetch may cost: some of the hour's 60 are left for others and for repeats."""

TARGET_BYTES = 12_000_000
"""Compressed size of a window that loads well beside others: some 100,000 events."""


def affordable(exports_left: int | None) -> int:
    """How many windows a fetch may take: a sixth of what is left is for others and for repeats."""
    if exports_left is None:
        return MOST_WINDOWS
    return max(1, min(MOST_WINDOWS, exports_left - exports_left // 6))


class Windows:
    """Hands out days in order, as at most `most` windows. The first are short and show what a day
    weighs; the next are as large as that allows, and leave work for everybody who takes some."""

    def __init__(self, days: Sequence[date], *, at_once: int, most: int = MOST_WINDOWS) -> None:
        self._runs = _runs(sorted(days), most)
        self._at_once = at_once
        self._most = most
        self._taken = 0
        self._weighed_days = 0
        self._weighed_bytes = 0

    @property
    def days(self) -> int:
        """How many days are left to take."""
        return sum(run.days for run in self._runs)

    def take(self) -> Window | None:
        """The next window, None when all are taken."""
        if not self._runs:
            return None
        run, *later = self._runs
        # Each later run costs a window of its own.
        for_this_run = max(1, self._most - self._taken - len(later))
        fair = min(self._fitting_days(), ceil(self.days / self._at_once))
        size = min(run.days, max(ceil(run.days / for_this_run), fair))
        window = Window(run.first, run.first + timedelta(size - 1))
        rest = [Window(window.last + timedelta(1), run.last)] if size < run.days else []
        self._runs = [*rest, *later]
        self._taken += 1
        return window

    def weigh(self, exported: ExportedFile) -> None:
        """Learn from an export."""
        self._weighed_days += exported.window.days
        self._weighed_bytes += exported.bytes

    def _fitting_days(self) -> int:
        if not self._weighed_days:
            return 1
        bytes_per_day = max(1, self._weighed_bytes // self._weighed_days)
        return max(1, TARGET_BYTES // bytes_per_day)


def _runs(days: Sequence[date], most: int) -> list[Window]:
    """Days as runs; with more runs than windows the shortest holes between them are asked again."""
    starts = [after for before, after in pairwise(days) if (after - before).days > 1]
    holes = {after: (after - before).days for before, after in pairwise(days)}
    kept = sorted(sorted(starts, key=lambda start: -holes[start])[: max(0, most - 1)])
    firsts = [*days[:1], *kept]
    lasts = [start - timedelta(holes[start]) for start in kept] + [*days[-1:]]
    return [Window(first, last) for first, last in zip(firsts, lasts, strict=True)]
