"""The tool inspect_funnels. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.funnel_list import funnel_list
from mp_mcp.results import Rows
from mp_mcp.tool import tool


@tool(essential=True)
async def inspect_funnels(mixpanel: Mixpanel) -> Rows:
    """List the saved funnels of this Mixpanel project, by name.

    Use it to find a funnel's id for query_funnel. For other saved reports use inspect_bookmarks.
    Costs one query of the project's 60 per hour.
    """
    return await funnel_list(mixpanel)
