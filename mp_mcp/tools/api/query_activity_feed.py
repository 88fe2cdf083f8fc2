"""The tool query_activity_feed. Never touches the database."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from mp_mcp.mixpanel.activity_feed import activity_feed
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import DayIfAny, RowLimit, Users, require_order

DEFAULT_DAYS = 30

FromDate = Annotated[
    DayIfAny,
    Flag("--from"),
    Field(description="First day, YYYY-MM-DD, inclusive; default: 30 days up to to_date"),
]
ToDate = Annotated[
    DayIfAny,
    Flag("--to"),
    Field(description="Last day, YYYY-MM-DD, inclusive; default: today"),
]


@tool(savable=True)
async def query_activity_feed(
    mixpanel: Mixpanel,
    users: Users,
    *,
    from_date: FromDate = None,
    to_date: ToDate = None,
    limit: RowLimit = 1000,
) -> Rows:
    """Show what some users did, event by event, newest first, with all properties.

    Use it to understand a few users. Not for many: use fetch_events, then query_sql. Times are UTC,
    or the project's in projects made before 2023. Costs 1 query.
    Example: users=["u-1001"], from_date="2025-01-01", to_date="2025-01-31".
    """
    last = to_date or await mixpanel.today()
    first = from_date or last - timedelta(days=DEFAULT_DAYS - 1)
    require_order(first, last)
    found = await activity_feed(mixpanel, users, first, last)
    if not found.rows:
        found.hint = f"No events from {first} to {last}: check the ids, or widen the dates."
    return found.first(limit, "events")
