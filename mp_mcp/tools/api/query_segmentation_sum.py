"""The tool query_segmentation_sum. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.segmentation import Aggregated, segmentation_aggregate
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import PROPERTIES, doubt_events, doubt_zeros
from mp_mcp.tools.params import (
    Event,
    FromDate,
    HourOrDay,
    NumericOn,
    ToDate,
    Where,
    require_series,
)


@tool(savable=True, chart=True)
async def query_segmentation_sum(
    mixpanel: Mixpanel,
    event: Event,
    *,
    on: NumericOn,
    from_date: FromDate,
    to_date: ToDate,
    unit: HourOrDay = "day",
    where: Where = None,
) -> Aggregated:
    """Add up a numeric property of one event over time.

    Use it for totals such as revenue. Not for a mean: use query_segmentation_average; not across
    events: use fetch_events, then query_sql. A value that is no number counts as 0. Costs 1 query.
    Example: event="Purchase", on="price", from_date="2025-01-01", to_date="2025-01-31".
    """
    require_series(from_date, to_date, unit)
    found = await segmentation_aggregate(
        mixpanel, "sum", event, from_date, to_date, on=on, unit=unit, where=where
    )
    await doubt_events(doubt_zeros(found, PROPERTIES), mixpanel, event)
    return found
