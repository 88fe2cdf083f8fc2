"""`GET query/events`: several events over time, side by side.

Never breaks an event down: `segmentation.py` and `property_counts.py` do.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import Number, by_date, by_total, counts_of, filled
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.expressions import json_list
from mp_mcp.mixpanel.segmentation import CountType, Unit, require_countable
from mp_mcp.results import Rows


async def event_counts(
    mixpanel: Mixpanel,
    events: Sequence[str],
    from_date: date,
    to_date: date,
    *,
    unit: Unit = "day",
    type: CountType = "general",  # noqa: A002 - the API's word, and the tool's
) -> Rows:
    """Counts per bucket of time, one column per event, the largest total first.

    Raises: UsageError for users by the hour or minute, before anything is spent.
    """
    require_countable(type, unit)
    params = {
        "event": json_list(events),
        "type": type,
        "unit": unit,
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
    }
    answer = await mixpanel.get(
        "query", "/events", params, keep_s=freshness.until(to_date), zoned=True
    )
    return event_counts_of(answer, events)


def event_counts_of(answer: Any, events: Sequence[str]) -> Rows:
    """One row per bucket in order; an event that is absent is a column of zeros."""
    counts = counts_of(answer, "counts of events")
    absent: dict[str, Mapping[str, Number | None]] = {name: {} for name in events}
    names = by_total(absent | counts.values)
    return Rows.of(by_date(names), filled(counts.values, names, counts.series))
