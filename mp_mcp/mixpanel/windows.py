"""Windows: how a range of days is cut into exports, each of which costs one of 60 per hour.

Never asks for anything: it plans by what the exports so far weighed.
"""

from datetime import date, timedelta
from math import ceil

from mp_mcp.mixpanel.models import ExportedFile, Window

MOST_WINDOWS = 50
"""Exports that one fetch may cost: some of the hour's 60 are left for others and for repeats."""

TARGET_BYTES = 12_000_000
"""Compressed size of a window that loads well beside others: some 100,000 events."""


class Windows:
    """Hands out the days of a range in order. The first windows are short and show what a day
    weighs; the next are as large as that allows, and leave work for everybody who takes some."""

    def __init__(self, first: date, last: date, *, at_once: int) -> None:
        self._next = first
        self._last = last
        self._at_once = at_once
        self._taken = 0
        self._weighed_days = 0
        self._weighed_bytes = 0

    def take(self) -> Window | None:
        """The next window, None when all are taken."""
        left = (self._last - self._next).days + 1
        if left <= 0:
            return None
        least = ceil(left / max(1, MOST_WINDOWS - self._taken))
        size = max(least, min(self._fitting_days(), ceil(left / self._at_once)))
        window = Window(self._next, self._next + timedelta(size - 1))
        self._next += timedelta(size)
        self._taken += 1
        return window

    def weigh(self, exported: ExportedFile) -> None:
        """Learn from an export."""
        window = exported.window
        self._weighed_days += (window.last - window.first).days + 1
        self._weighed_bytes += exported.bytes

    def _fitting_days(self) -> int:
        if not self._weighed_days:
            return 1
        bytes_per_day = max(1, self._weighed_bytes // self._weighed_days)
        return max(1, TARGET_BYTES // bytes_per_day)
