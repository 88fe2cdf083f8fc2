"""Periods of time: where an hour, a week or a quarter begins, and how many lie between two moments.

Never knows a zone: moments are wall-clock times of the project, without one.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

UNITS = ("minute", "hour", "day", "week", "month", "quarter")
FIXED = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
MOST_DAYS = {"minute": 1, "hour": 1, "day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
"""How many days a unit touches at most."""


def start_of(moment: datetime, unit: str) -> datetime:
    """The beginning of the period that holds a moment; weeks begin on Monday."""
    if unit == "minute":
        return moment.replace(second=0, microsecond=0)
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return midnight - timedelta(days=midnight.weekday())
    if unit in MONTHS:
        return midnight.replace(
            day=1, month=(midnight.month - 1) // MONTHS[unit] * MONTHS[unit] + 1
        )
    return midnight


def later(start: datetime, unit: str, count: int) -> datetime:
    """The beginning of the period so many after another one; earlier ones when it is negative."""
    if unit not in MONTHS:
        return start + FIXED[unit] * count
    months = start.year * 12 + start.month - 1 + MONTHS[unit] * count
    return start.replace(year=months // 12, month=months % 12 + 1)


def elapsed(origin: datetime, moment: datetime, unit: str) -> int:
    """How many whole periods have passed between two moments."""
    if unit not in MONTHS:
        return (moment - origin) // FIXED[unit]
    months = (moment.year - origin.year) * 12 + moment.month - origin.month
    begun = (moment.day, moment.time()) < (origin.day, origin.time())
    return (months - begun) // MONTHS[unit]


def starts_between(first: datetime, last: datetime, unit: str) -> Iterator[datetime]:
    """The beginnings of all periods that a range of moments touches, oldest first."""
    start = start_of(first, unit)
    while start <= last:
        yield start
        start = later(start, unit, 1)


def key_of(start: datetime, unit: str) -> str:
    """How the counts of a period are keyed."""
    return f"{start:%Y-%m-%d %H:%M:%S}" if unit in ("minute", "hour") else f"{start:%Y-%m-%d}"


def bucket_key(moment: datetime, unit: str) -> str:
    """The key of the period that holds a moment."""
    return key_of(start_of(moment, unit), unit)
