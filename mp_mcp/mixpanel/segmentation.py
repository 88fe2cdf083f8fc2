"""`GET query/segmentation`, `/numeric`, `/sum`, `/average`: one event over time.

Never compares events: `event_counts.py` does.
"""

import math
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

from mp_mcp.errors import UsageError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import NumberIfAny, by_date, by_total, counts_of, filled, read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.expressions import property_expression
from mp_mcp.mixpanel.transport import Params
from mp_mcp.results import Rows

Unit = Literal["minute", "hour", "day", "week", "month"]
HourOrDay = Literal["hour", "day"]
CountType = Literal["general", "unique", "average"]
Aggregate = Literal["sum", "average"]

_PARTS_OF_DAYS: tuple[Unit, ...] = ("minute", "hour")
_LOWER_BOUND = re.compile(r"\s*([-+]?[0-9,]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)")


def require_countable(
    type: CountType,  # noqa: A002 - the API's word, and the tool's
    unit: Unit,
) -> None:
    """Raises: UsageError for users per hour or minute, which Mixpanel does not count."""
    if type == "unique" and unit in _PARTS_OF_DAYS:
        raise UsageError(
            f"Mixpanel does not count unique users by {unit}.",
            hint="Count them by day, or count events (type general) by the hour.",
        )


class Aggregated(Rows):
    """A series of numbers that Mixpanel computed from a property."""

    computed_at: str | None = Field(default=None, description="when Mixpanel computed it")


class _Numbers(BaseModel):
    results: dict[str, NumberIfAny]
    computed_at: str | None = None


_NUMBERS = TypeAdapter(_Numbers)


async def segmentation(
    mixpanel: Mixpanel,
    event: str,
    from_date: date,
    to_date: date,
    *,
    on: str | None = None,
    unit: Unit = "day",
    where: str | None = None,
    type: CountType = "general",  # noqa: A002 - the API's word, and the tool's
    limit: int | None = None,
) -> Rows:
    """Counts per bucket of time, one column per value of `on`, the largest total first.

    `on` is a property name or an expression; `limit` bounds its values, the largest win.
    """
    params = {
        **_params(event, from_date, to_date, on, unit, where),
        "type": type,
        "limit": limit if on else None,
    }
    answer = await mixpanel.get(
        "query", "/segmentation", params, keep_s=freshness.until(to_date), zoned=True
    )
    return series_of(answer, None if on else event)


def series_of(answer: Any, event: str | None) -> Rows:
    """One row per bucket in order; absent ones are zero.

    The whole of an `event` that nobody sent is zero, too; in a breakdown there is no event.
    """
    counts = counts_of(answer, "segmentation")
    names = by_total(counts.values) or ([] if event is None else [event])
    return Rows.of(by_date(names), filled(counts.values, names, counts.series))


async def segmentation_numeric(
    mixpanel: Mixpanel,
    event: str,
    from_date: date,
    to_date: date,
    *,
    on: str,
    unit: HourOrDay = "day",
    where: str | None = None,
    type: CountType = "general",  # noqa: A002 - the API's word, and the tool's
) -> Rows:
    """Counts per bucket of time, one column per range of the number `on`, the lowest first."""
    params = {**_params(event, from_date, to_date, on, unit, where), "type": type}
    answer = await mixpanel.get(
        "query", "/segmentation/numeric", params, keep_s=freshness.until(to_date), zoned=True
    )
    return ranges_of(answer)


def ranges_of(answer: Any) -> Rows:
    """One row per bucket of time; ranges like `1,000 - 1,050` in the order of numbers."""
    counts = counts_of(answer, "numeric segmentation")
    names = sorted(counts.values, key=lambda label: (_lower_bound(label), label))
    return Rows.of(by_date(names), filled(counts.values, names, counts.series))


async def segmentation_aggregate(
    mixpanel: Mixpanel,
    aggregate: Aggregate,
    event: str,
    from_date: date,
    to_date: date,
    *,
    on: str,
    unit: HourOrDay = "day",
    where: str | None = None,
) -> Aggregated:
    """The sum, or the average per event, of the number `on` in each bucket of time.

    Mixpanel may leave out days without events: there the sum is zero, and no average exists.
    """
    answer = await mixpanel.get(
        "query",
        f"/segmentation/{aggregate}",
        _params(event, from_date, to_date, on, unit, where),
        keep_s=freshness.until(to_date),
        zoned=True,
    )
    return numbers_of(answer, aggregate, buckets(from_date, to_date, unit))


def numbers_of(answer: Any, aggregate: Aggregate, asked: Sequence[str] = ()) -> Aggregated:
    """One row per bucket in order: those that Mixpanel names, and the `asked` if it writes so."""
    found: _Numbers = read(_NUMBERS, answer, f"the {aggregate} of a property")
    names = set(found.results)
    if names <= set(asked):
        names.update(asked)
    of_nothing = 0 if aggregate == "sum" else None
    rows = [[name, found.results.get(name, of_nothing)] for name in sorted(names)]
    return Aggregated.of(["date", aggregate], rows, computed_at=found.computed_at)


def buckets(first: date, last: date, unit: HourOrDay) -> list[str]:
    """The names of all buckets of a range, as Mixpanel writes them."""
    days = [str(first + timedelta(days)) for days in range((last - first).days + 1)]
    if unit == "day":
        return days
    return [f"{day} {hour:02}:00:00" for day in days for hour in range(24)]


def _params(
    event: str, from_date: date, to_date: date, on: str | None, unit: str, where: str | None
) -> Params:
    return {
        "event": event,
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
        "unit": unit,
        "where": where,
        "on": property_expression(on) if on else None,
    }


def _lower_bound(label: str) -> float:
    found = _LOWER_BOUND.match(label)
    return float(found[1].replace(",", "")) if found else math.inf
