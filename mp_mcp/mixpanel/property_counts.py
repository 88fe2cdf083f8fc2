"""`GET query/events/properties`: one event over time, by the values of a property.

Never takes an expression: `segmentation.py` does.
"""

from datetime import date
from typing import Any

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import by_date, by_total, counts_of, filled
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.segmentation import CountType, Unit, require_countable
from mp_mcp.mixpanel.transport import Params
from mp_mcp.results import Rows


async def property_counts(
    mixpanel: Mixpanel,
    event: str,
    name: str,
    from_date: date,
    to_date: date,
    *,
    unit: Unit = "day",
    type: CountType = "general",  # noqa: A002 - the API's word, and the tool's
    limit: int,
) -> Rows:
    """Counts per bucket of time, one column per value of the property `name`.

    Raises: UsageError for users by the hour or minute, before anything is spent.
    """
    require_countable(type, unit)
    params: Params = {
        "event": event,
        "name": name,
        "type": type,
        "unit": unit,
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
        "limit": limit,
    }
    answer = await mixpanel.get(
        "query", "/events/properties", params, keep_s=freshness.until(to_date), zoned=True
    )
    return property_counts_of(answer)


def property_counts_of(answer: Any) -> Rows:
    """One row per bucket in order, the largest total first; absent buckets are zero."""
    counts = counts_of(answer, "counts by a property")
    names = by_total(counts.values)
    return Rows.of(by_date(names), filled(counts.values, names, counts.series))
