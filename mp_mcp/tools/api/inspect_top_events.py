"""The tool inspect_top_events. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.top_events import top_events
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.params import CountType, RowLimit


@tool
async def inspect_top_events(
    mixpanel: Mixpanel,
    *,
    type: CountType = "general",  # noqa: A002 - the contract's name
    limit: RowLimit = 10,
) -> Rows:
    """List today's most frequent events, with their change against yesterday.

    percent_change is a fraction: 0.5 is half as many again. For other days use
    query_event_counts, for all names inspect_events. Never cached; costs one query of the
    project's 60 per hour.
    Example: type="unique", limit=20.
    """
    found = (await top_events(mixpanel, type, limit)).first(limit, "events")
    if len(found.rows) == limit and not found.hint:
        found.hint = f"These are the {limit} largest, there may be more: raise limit."
    return found
