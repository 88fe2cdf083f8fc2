"""The tool query_segmentation_average. Never touches the database."""

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
async def query_segmentation_average(
    mixpanel: Mixpanel,
    event: Event,
    *,
    on: NumericOn,
    from_date: FromDate,
    to_date: ToDate,
    unit: HourOrDay = "day",
    where: Where = None,
) -> Aggregated:
    """Average a numeric property of one event over time.

    Use it for the mean per event in each bucket. Not for totals: use query_segmentation_sum; not
    for medians or means per user: use fetch_events, then query_sql. Costs 1 query.
    Example: event="Purchase", on="price", from_date="2025-01-01", to_date="2025-01-31".
    """
    require_series(from_date, to_date, unit)
    found = await segmentation_aggregate(
        mixpanel, "average", event, from_date, to_date, on=on, unit=unit, where=where
    )
    await doubt_events(doubt_zeros(found, PROPERTIES), mixpanel, event)
    return found
