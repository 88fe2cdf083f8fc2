"""The tool query_segmentation. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.segmentation import segmentation
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import (
    PROPERTIES,
    doubt_events,
    doubt_last,
    doubt_undefined,
    doubt_zeros,
)
from mp_mcp.tools.params import (
    CountType,
    Event,
    FromDate,
    On,
    SegmentLimit,
    ToDate,
    Unit,
    Where,
    require_series,
)


@tool(savable=True, essential=True, chart=True)
async def query_segmentation(
    mixpanel: Mixpanel,
    event: Event,
    *,
    from_date: FromDate,
    to_date: ToDate,
    on: On = None,
    unit: Unit = "day",
    where: Where = None,
    type: CountType = "general",  # noqa: A002 - the contract's name
    limit: SegmentLimit = 60,
) -> Rows:
    """Count one event over time in Mixpanel, optionally broken down by a property.

    Use it for a quick series of one event. Not for several events: use query_event_counts; not for
    anything across events or users: use fetch_events, then query_sql. Costs 1 query.
    Example: event="Purchase", from_date="2025-01-01", to_date="2025-01-31", on="$city".
    """
    require_series(from_date, to_date, unit)
    found = await segmentation(
        mixpanel, event, from_date, to_date, on=on, unit=unit, where=where, type=type, limit=limit
    )
    await doubt_events(doubt_zeros(found, PROPERTIES), mixpanel, event)
    return doubt_last(doubt_undefined(found), limit) if on else found
