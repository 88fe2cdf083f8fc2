"""`GET query/retention`: how many users of each day come back in the periods after it.

Never fills a period that is not over yet: it is null, because zero would mean that nobody came.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mp_mcp.errors import UsageError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import Number, read, unexpected
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.expressions import property_expression
from mp_mcp.mixpanel.funnels import ratio
from mp_mcp.mixpanel.nesting import (
    AVERAGE,
    Path,
    as_days,
    leaves,
    level_names,
    overall_first,
    padded,
    says_only_overall,
    split_date,
)
from mp_mcp.results import Row, Rows

Unit = Literal["day", "week", "month"]

_DAYS: dict[Unit, int] = {"day": 1, "week": 7, "month": 31}
_WHAT = "retention"


class Counted(BaseModel):
    """The users of one date, and how many of them came back in each period."""

    model_config = ConfigDict(extra="ignore")

    first: Number | None = None
    counts: list[Number | None]
    rates: list[Number | None] | None = Field(default=None)


class Cohort(NamedTuple):
    """Users who were born on one date, in one segment."""

    segments: Path
    date: str
    counted: Counted


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
    return retention_of(answer, segmented=on is not None)


def _require_days(interval: int, unit: Unit) -> None:
    if interval != 1 and unit != "day":
        raise UsageError(
            f"An interval of {interval} is counted in days: it does not go with unit {unit!r}.",
            hint="Leave the interval out, or give it in days without a unit.",
        )


def retention_of(answer: Any, *, segmented: bool = False) -> Rows:
    """Cohorts by date; with segments in a column of their own."""
    cohorts = cohorts_of(answer)
    if not segmented and says_only_overall(cohort.segments for cohort in cohorts):
        cohorts = [cohort._replace(segments=()) for cohort in cohorts]
    depth = max((len(cohort.segments) for cohort in cohorts), default=0)
    depth = max(depth, int(segmented))
    return cohort_rows(cohorts, level_names((), depth, "segment"))


def cohorts_of(answer: Any) -> list[Cohort]:
    """Every cohort in an answer, however dates and segments are nested."""
    if not isinstance(answer, dict):
        raise unexpected(_WHAT)
    cohorts = []
    for path, leaf in leaves(answer, is_counted):
        segments, day = split_date(path)
        if day is not None and is_counted(leaf):
            cohorts.append(Cohort(segments, day, read(_COUNTED, leaf, _WHAT)))
    if answer and not cohorts:
        raise unexpected(_WHAT)
    return cohorts


def is_counted(node: Any) -> bool:
    """Whether this is what Mixpanel says about one cohort."""
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
        return overall_first(segments), -users[segments], segments, is_average, cohort.date

    width = max((len(cohort.counted.counts) for cohort in cohorts), default=0)
    days = as_days(cohort.date for cohort in cohorts)
    rows = [
        [*padded(found.segments, len(names)), days[found.date], *_cells(found, width)]
        for found in sorted(cohorts, key=order)
    ]
    counts = [f"count_{place}" for place in range(width)]
    rates = [f"rate_{place}" for place in range(width)]
    return Rows.of([*names, "date", "users", *counts, *rates], rows)


def _cells(cohort: Cohort, width: int) -> Row:
    counted = cohort.counted
    first = counted.first or 0
    rates = [None if count is None else ratio(count, first) for count in counted.counts]
    if cohort.date == AVERAGE and counted.rates:
        # The mean of the rates, which the mean counts do not give.
        rates = counted.rates[: len(rates)]
    return [first, *_filled(counted.counts, width), *_filled(rates, width)]


def _filled(numbers: Sequence[Number | None], width: int) -> Row:
    return [*numbers, *([None] * (width - len(numbers)))]
