"""The tool query_funnel. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.funnels import funnel
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import FUNNELS, doubt_nobody, pointing
from mp_mcp.tools.params import FromDate, FunnelId, On, Period, ToDate, require_order


@tool(savable=True, essential=True, chart=True)
async def query_funnel(
    mixpanel: Mixpanel,
    funnel_id: FunnelId,
    *,
    from_date: FromDate,
    to_date: ToDate,
    unit: Period = "day",
    on: On = None,
) -> Rows:
    """Count how many users pass each step of a saved Mixpanel funnel in a range.

    Use it for a funnel that exists: inspect_funnels has the ids. Not for steps of your own: use
    fetch_events, then query_sql. Ratios are fractions, times are means in seconds; on adds rows
    per segment. Costs 1 query.
    Example: funnel_id=7001, from_date="2025-01-01", to_date="2025-01-31".
    """
    require_order(from_date, to_date)
    with pointing(FUNNELS):
        found = await funnel(mixpanel, funnel_id, from_date, to_date, unit=unit, on=on)
    return doubt_nobody(found, "count", "Nobody entered this funnel in the range", FUNNELS)
