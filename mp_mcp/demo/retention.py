"""Who came back after being born, and in which bucket of time; and how often people are active.

Never reads parameters.

A person is born by an event of one kind and comes back by a later one of another. Buckets are
counted from the birth, or from the beginning of the birth's period.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from mp_mcp.demo.counted import Row, Selection, counted_rows, either, midnight
from mp_mcp.demo.periods import MOST_DAYS, elapsed, later, start_of, starts_between
from mp_mcp.demo.wire import Call


@dataclass(frozen=True)
class Retention:
    """What is asked about people who come back."""

    first: date
    last: date
    born: Selection
    back: Selection
    unit: str
    bounds: tuple[int, ...]
    """Where buckets end, in units after the birth."""
    interval: int = 1
    """Units of a cohort."""
    again: bool = False
    """Whether a person is born in each cohort anew, not only once."""
    from_start: bool = False
    """Whether buckets begin with the birth's period, not with the birth."""
    unbounded: bool = False
    """Whether a bucket holds those who come back in a later one, too."""

    @cached_property
    def cohorts(self) -> tuple[datetime, ...]:
        """The beginnings of the cohorts, oldest first."""
        end = midnight(self.last)
        starts = tuple(starts_between(midnight(self.first), end, self.unit))
        return starts[:: self.interval]

    @property
    def until(self) -> date:
        """The last day on which somebody may come back."""
        return self.last + timedelta(days=(self.bounds[-1] + 1) * MOST_DAYS[self.unit])

    def cohort_of(self, moment: datetime) -> datetime:
        """The cohort of those who are born at a moment."""
        return self.cohorts[self._passed(moment) // self.interval]

    def _passed(self, moment: datetime) -> int:
        return elapsed(start_of(midnight(self.first), self.unit), moment, self.unit)

    def bucket_of(self, birth: datetime, moment: datetime) -> int | None:
        """The bucket of a return; None when it is after the last one."""
        origin = start_of(birth, self.unit) if self.from_start else birth
        bucket = bisect_right(self.bounds, elapsed(origin, moment, self.unit))
        return bucket if bucket < len(self.bounds) else None


class Life(NamedTuple):
    """A person in a cohort, and by which rows they came back."""

    cohort: datetime
    birth: Row
    returns: tuple[tuple[int, Row], ...]
    """Buckets and rows."""


def asked_cohorts(call: Call, asked: Retention) -> dict[datetime, list[Life]]:
    """The people of every cohort, the empty ones included."""
    found: dict[datetime, list[Life]] = {cohort: [] for cohort in asked.cohorts}
    rows = counted_rows(call, asked.first, asked.until, either(asked.born, asked.back))
    for life in lives(asked, rows):
        found[life.cohort].append(life)
    return found


def lives(asked: Retention, rows: Iterable[Row]) -> list[Life]:
    """Everybody who was born within the days; the rows may go on after them."""
    births: dict[tuple[str, datetime | None], Row] = {}
    backs: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if asked.back.takes(row):
            backs[row.user].append(row)
        if asked.first <= row.moment.date() <= asked.last and asked.born.takes(row):
            cohort = asked.cohort_of(row.moment) if asked.again else None
            known = births.get((row.user, cohort))
            if known is None or row.at < known.at:
                births[row.user, cohort] = row
    return [_life(asked, birth, backs.get(birth.user, ())) for birth in births.values()]


def _life(asked: Retention, birth: Row, backs: Sequence[Row]) -> Life:
    returns = []
    for row in backs:
        if row.at > birth.at:
            bucket = asked.bucket_of(birth.moment, row.moment)
            if bucket is not None:
                returns.append((bucket, row))
    return Life(asked.cohort_of(birth.moment), birth, tuple(returns))


def counts_of(
    asked: Retention, people: Iterable[Life], wanted: Callable[[Row], bool] | None = None
) -> list[int]:
    """How many people came back in each bucket, by rows that are wanted."""
    counts = [0] * len(asked.bounds)
    for life in people:
        buckets = {bucket for bucket, row in life.returns if wanted is None or wanted(row)}
        if asked.unbounded and buckets:
            buckets = set(range(max(buckets) + 1))
        for bucket in buckets:
            counts[bucket] += 1
    return counts


def sizes_of(asked: Retention, members: Sequence[Life]) -> dict[str, Any]:
    """A cohort in numbers."""
    return {"first": len(members), "counts": counts_of(asked, members)}


def with_rates(sizes: dict[str, Any]) -> dict[str, Any]:
    """A cohort in numbers as reports have them."""
    first = sizes["first"]
    return {**sizes, "rates": [count / first if first else 0.0 for count in sizes["counts"]]}


def activity(
    rows: Iterable[Row], first: date, last: date, unit: str, active_unit: str
) -> dict[datetime, list[int]]:
    """By period, how many people were active in at least one, two, ... smaller units of it."""
    active: defaultdict[datetime, defaultdict[str, set[datetime]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for row in rows:
        period = start_of(row.moment, unit)
        active[period][row.user].add(start_of(row.moment, active_unit))
    found = {}
    for period in starts_between(midnight(first), midnight(last), unit):
        length = elapsed(period, later(period, unit, 1), active_unit)
        sizes = [len(units) for units in active[period].values()]
        found[period] = [sum(size > n for size in sizes) for n in range(length)]
    return found
