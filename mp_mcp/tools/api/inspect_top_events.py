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

    Use it to see what happens today. Not for other days: use query_event_counts; not for all names:
    use inspect_events. percent_change is a fraction: 0.5 is half as many again. Never cached. Costs
    1 query.
    Example: type="unique", limit=20.
    """
    found = (await top_events(mixpanel, type, limit)).first(limit, "events")
    if len(found.rows) == limit and not found.hint:
        found.hint = f"These are the {limit} largest, there may be more: raise limit."
    return found
