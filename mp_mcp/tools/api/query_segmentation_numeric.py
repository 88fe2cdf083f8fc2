"""The tool query_segmentation_numeric. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.segmentation import segmentation_numeric
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import PROPERTIES, doubt_events, doubt_zeros
from mp_mcp.tools.params import (
    CountType,
    Event,
    FromDate,
    HourOrDay,
    NumericOn,
    ToDate,
    Where,
    require_series,
)


@tool(savable=True, chart=True)
async def query_segmentation_numeric(
    mixpanel: Mixpanel,
    event: Event,
    *,
    on: NumericOn,
    from_date: FromDate,
    to_date: ToDate,
    unit: HourOrDay = "day",
    where: Where = None,
    type: CountType = "general",  # noqa: A002 - the contract's name
) -> Rows:
    """Count one event over time by ranges of a numeric property, a column per range.

    Use it to see how a number is distributed; Mixpanel chooses the ranges. Not for your own ranges:
    use fetch_events, then query_sql; not for totals: use query_segmentation_sum. Costs 1 query.
    Example: event="Purchase", on="price", from_date="2025-01-01", to_date="2025-01-31".
    """
    require_series(from_date, to_date, unit)
    found = await segmentation_numeric(
        mixpanel, event, from_date, to_date, on=on, unit=unit, where=where, type=type
    )
    return await doubt_events(doubt_zeros(found, PROPERTIES), mixpanel, event)
