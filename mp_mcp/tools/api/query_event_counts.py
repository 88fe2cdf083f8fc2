"""The tool query_event_counts. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_counts import event_counts
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import EVENTS, doubt_events, doubt_silent
from mp_mcp.tools.params import ComparedEvents, CountType, FromDate, ToDate, Unit, require_series


@tool(savable=True, essential=True, chart=True)
async def query_event_counts(
    mixpanel: Mixpanel,
    events: ComparedEvents,
    *,
    from_date: FromDate,
    to_date: ToDate,
    type: CountType = "general",  # noqa: A002 - the contract's name
    unit: Unit = "day",
) -> Rows:
    """Count several events over time, side by side: a column per event.

    Use it to compare events. Not for a filter or a breakdown: use query_segmentation. Costs 1
    query, however many events.
    Example: events=["Signup", "Purchase"], from_date="2025-01-01", to_date="2025-01-31".
    """
    require_series(from_date, to_date, unit)
    found = await event_counts(mixpanel, events, from_date, to_date, unit=unit, type=type)
    return await doubt_events(doubt_silent(found, EVENTS), mixpanel, *events)
