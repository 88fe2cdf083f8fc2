"""The tool inspect_funnels. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.funnel_list import funnel_list
from mp_mcp.results import Rows
from mp_mcp.tool import tool


@tool(essential=True)
async def inspect_funnels(mixpanel: Mixpanel) -> Rows:
    """List the saved funnels of this Mixpanel project, by name.

    Use it to find the id of a funnel for query_funnel. Not for other reports: use
    inspect_bookmarks. Costs 1 query.
    """
    return await funnel_list(mixpanel)
