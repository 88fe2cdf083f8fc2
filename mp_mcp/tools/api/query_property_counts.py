"""The tool query_property_counts. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.property_counts import property_counts
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
    Property,
    SegmentLimit,
    ToDate,
    Unit,
    require_series,
)


@tool(savable=True, chart=True)
async def query_property_counts(
    mixpanel: Mixpanel,
    event: Event,
    property: Property,  # noqa: A002 - the contract's name
    *,
    from_date: FromDate,
    to_date: ToDate,
    type: CountType = "general",  # noqa: A002 - the contract's name
    unit: Unit = "day",
    limit: SegmentLimit = 10,
) -> Rows:
    """Count one event over time by the values of one property: a column per value.

    Use it for the top values of a property. Not for a filter or an expression: use
    query_segmentation. Costs 1 query.
    Example: event="Purchase", property="plan", from_date="2025-01-01", to_date="2025-01-31".
    """
    require_series(from_date, to_date, unit)
    found = await property_counts(
        mixpanel, event, property, from_date, to_date, unit=unit, type=type, limit=limit
    )
    await doubt_events(doubt_zeros(found, PROPERTIES), mixpanel, event)
    return doubt_last(doubt_undefined(found), limit)
