"""`GET query/retention`: how many users of each day come back in the periods after it.

Never shows zero for a period that has not begun: it is null, because zero says that nobody came.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter

from mp_mcp.errors import UsageError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import Number, NumberIfAny, distinct, read, unexpected
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.expressions import property_expression
from mp_mcp.mixpanel.funnels import Unit, ratio
from mp_mcp.mixpanel.nesting import (
    AVERAGE,
    DateLevel,
    Path,
    as_days,
    date_level,
    leaves,
    level_names,
    overall_first,
    padded,
    says_only_overall,
)
from mp_mcp.results import Row, Rows

_DAYS: dict[Unit, int] = {"day": 1, "week": 7, "month": 31}
_WHAT = "retention"


class Counted(BaseModel):
    """The users of one date, and how many of them came back in each period."""

    model_config = ConfigDict(extra="ignore")

    first: NumberIfAny = None
    counts: list[NumberIfAny] | None = None
    rates: list[NumberIfAny] | None = None


class Cohort(NamedTuple):
    """Users who were born on one date, in one segment; a segment may be without any date."""

    segments: Path
    date: str | None
    counted: Counted

    @property
    def is_told(self) -> bool:
        """Whether Mixpanel says anything about it but its name."""
        return self.counted.first is not None or self.counted.counts is not None


_COUNTED = TypeAdapter(Counted)


async def retention(
    mixpanel: Mixpanel,
    born_event: str,
    from_date: date,
    to_date: date,
    *,
    event: str | None = None,
    born_where: str | None = None,
    where: str | None = None,
    interval: int = 1,
    interval_count: int = 10,
    unit: Unit = "day",
    on: str | None = None,
    limit: int | None = None,
) -> Rows:
    """One row per birth date (and value of `on`): users, and those who did `event` later.

    Raises: UsageError for an `interval` of weeks or months, which Mixpanel would take for days.
    """
    _require_days(interval, unit)
    params = {
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
        "retention_type": "birth",
        "born_event": born_event,
        "event": event,
        "born_where": born_where,
        "where": where,
        # Mixpanel refuses the two together.
        "interval": interval if interval != 1 else None,
        "unit": unit if interval == 1 else None,
        "interval_count": interval_count,
        "on": property_expression(on) if on else None,
        "limit": limit if on else None,
    }
    days_after = (interval_count + 1) * interval * _DAYS[unit]
    keep_s = freshness.until(to_date, days_after=days_after)
    answer = await mixpanel.get("query", "/retention", params, keep_s=keep_s, zoned=True)
    found = retention_of(answer, segmented=bool(on))
    return without_future(found, await mixpanel.today(), unit, interval)


def _require_days(interval: int, unit: Unit) -> None:
    if interval != 1 and unit != "day":
        raise UsageError(
            f"An interval of {interval} is counted in days: it does not go with unit {unit!r}.",
            hint="Leave the interval out, or give it in days without a unit.",
        )


def retention_of(answer: Any, *, segmented: bool = False) -> Rows:
    """Cohorts by date; with segments in a column of their own."""
    cohorts = cohorts_of(answer)
    if not segmented and says_only_overall(cohort.segments for cohort in cohorts if cohort.is_told):
        cohorts = [cohort._replace(segments=()) for cohort in cohorts]
    depth = max((len(cohort.segments) for cohort in cohorts), default=0)
    depth = max(depth, int(segmented))
    return cohort_rows(cohorts, level_names((), depth, "segment"))


def cohorts_of(answer: Any, *, labelled: bool = False) -> list[Cohort]:
    """Every cohort in an answer, however dates and segments are nested.

    `labelled`: the outermost keys name metrics, of which some may have no cohort yet.
    """
    if not isinstance(answer, dict):
        raise unexpected(_WHAT)
    found = list(leaves(answer, _is_cohort))
    labels = int(labelled)
    level = _births(found, labels)
    cohorts = []
    for path, leaf in found:
        segments, day = level.split(path[labels:])
        is_cohort = _is_cohort(leaf)
        if is_cohort if day is None else not isinstance(leaf, dict):
            raise unexpected(_WHAT)
        if is_cohort or (leaf == {} and (day is not None or _is_name(path[labels:], level))):
            counted = read(_COUNTED, leaf, _WHAT)
            cohorts.append(Cohort((*path[:labels], *segments), day, counted))
    if answer and not (cohorts if labelled else any(cohort.date for cohort in cohorts)):
        raise unexpected(_WHAT)
    return cohorts


def _is_name(below: Path, level: DateLevel) -> bool:
    """Whether something empty and without a date is a metric or a segment, and no foreign key."""
    return not below or (level.place == -1 and level.least_depth > 1)


def _births(found: Sequence[tuple[Path, Any]], labels: int) -> DateLevel:
    """Where the dates of birth are, below the labels."""
    told = [path for path, leaf in found if _is_cohort(leaf)]
    empty = [path for path, leaf in found if leaf == {}]
    # What is empty says as much, unless it is one of those that would hold others.
    depth = min(map(len, told), default=max(map(len, empty), default=0))
    level = date_level(path[labels:] for path in (*told, *empty) if len(path) >= depth)
    return level if level.place is not None else date_level(path[labels:] for path in told)


def _is_cohort(node: Any) -> bool:
    """Whether this is about one cohort, be it without counts; segments may have its words, too."""
    if not isinstance(node, dict):
        return False
    is_first = "first" in node and not isinstance(node["first"], dict)
    return is_counted(node) or is_first or ("counts" in node and node["counts"] is None)


def is_counted(node: Any) -> bool:
    """Whether this is what Mixpanel says about one cohort, and about nothing else."""
    return isinstance(node, dict) and isinstance(node.get("counts"), list)


def cohort_rows(cohorts: Sequence[Cohort], names: Sequence[str]) -> Rows:
    """One row per cohort: its segments under `names`, its date, users, counts and rates.

    The whole comes first, then the segments with the most users; dates in order, the average last.
    """
    users: dict[Path, Number] = {}
    for cohort in cohorts:
        counts_as = 0 if cohort.date == AVERAGE else cohort.counted.first or 0
        users[cohort.segments] = users.get(cohort.segments, 0) + counts_as

    def order(cohort: Cohort) -> tuple[Any, ...]:
        segments = cohort.segments
        is_average = cohort.date == AVERAGE
        return overall_first(segments), -users[segments], segments, is_average, cohort.date or ""

    width = max((len(cohort.counted.counts or ()) for cohort in cohorts), default=0)
    days = as_days(cohort.date for cohort in cohorts if cohort.date is not None)
    rows = [
        [*padded(found.segments, len(names)), days.get(found.date or ""), *_cells(found, width)]
        for found in sorted(cohorts, key=order)
    ]
    counts = [f"count_{place}" for place in range(width)]
    rates = [f"rate_{place}" for place in range(width)]
    measures = ["date", "users", *counts, *rates]
    return Rows.of([*distinct(names, measures), *measures], rows)


def _cells(cohort: Cohort, width: int) -> Row:
    counted = cohort.counted
    first, counts = counted.first, counted.counts or []
    rates = [None if count is None else ratio(count, first or 0) for count in counts]
    if cohort.date == AVERAGE and counted.rates:
        # The mean of the rates, which the mean counts do not give.
        rates = counted.rates[: len(rates)]
    return [first, *_filled(counts, width), *_filled(rates, width)]


def without_future(found: Rows, today: date, unit: Unit, interval: int = 1) -> Rows:
    """The cohorts, with null for zeros of periods that begin after `today`; changed in place."""
    at = found.columns.index("date")
    counts = [place for place, name in enumerate(found.columns) if name.startswith("count_")]
    for row in found.rows:
        if row[at] is None or row[at] == AVERAGE:
            continue
        born = date.fromisoformat(row[at][: len("2025-01-01")])
        for period, place in enumerate(counts):
            if not row[place] and _begin(born, period * interval, unit) > today.toordinal():
                # The rates stand behind all counts.
                row[place] = row[place + len(counts)] = None
    return found


def _begin(born: date, periods: int, unit: Unit) -> int:
    """The ordinal of the first day of a period, since the last years of dates may be passed."""
    if unit != "month":
        return born.toordinal() + periods * _DAYS[unit]
    years, month = divmod(born.month - 1 + periods, 12)
    year = min(born.year + years, date.max.year)
    return date(year, month + 1, 1).toordinal() + born.day - 1


def _filled(numbers: Sequence[Number | None], width: int) -> Row:
    return [*numbers, *([None] * (width - len(numbers)))]
