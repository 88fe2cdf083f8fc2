"""Where the times of a series lie: how many steps after the first, and whether steps are missing.

Never takes a row's position for its time. Standard library only.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

UNEVEN = 0.1
"""How far from whole steps: local days have 23 or 25 hours twice a year."""


class Scale(NamedTuple):
    """Times as places on an axis: 0.0 is the first one, 1.0 is one step later.

    `step` is the least time between two of them, in months or in seconds.
    """

    first: datetime
    step: float
    in_months: bool
    places: list[float]
    is_regular: bool

    def at(self, place: float) -> datetime:
        """The time at a place; a whole one where steps are months."""
        if not self.in_months:
            return self.first + timedelta(seconds=place * self.step)
        months = _month_of(self.first) + round(place * self.step)
        return self.first.replace(year=months // 12, month=months % 12 + 1)

    def has_gaps(self) -> bool:
        """Whether steps are missing."""
        return self.is_regular and self.places[-1] > len(self.places) - 1


def scale_of(texts: Sequence[str]) -> Scale:
    """The scale of two or more times. Raises: ValueError when they are none, or do not increase."""
    moments = [_moment(text) for text in texts]
    in_months = all(m == datetime(m.year, m.month, 1) for m in moments)
    numbers = [_month_of(m) if in_months else (m - moments[0]).total_seconds() for m in moments]
    distances = [after - before for before, after in pairwise(numbers)]
    step = min(distances)
    if step <= 0:
        raise ValueError("The times do not increase.")
    counts = [distance / step for distance in distances]
    is_regular = all(abs(count - round(count)) <= UNEVEN for count in counts)
    places = [0.0]
    for count in counts:
        places.append(places[-1] + (round(count) if is_regular else count))
    return Scale(moments[0], step, in_months, places, is_regular)


def _moment(text: str) -> datetime:
    """`2025`, `2025-02`, `2025-02-01`, or with a time of the day after it, in UTC."""
    if len(text) < 10:
        text = {4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text)
    if text[4:5] != "-":
        raise ValueError(f"{text} is no time.")
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _month_of(moment: datetime) -> int:
    return moment.year * 12 + moment.month - 1
