"""The tool inspect_cohorts. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.cohorts import cohorts
from mp_mcp.results import Rows
from mp_mcp.tool import tool


@tool
async def inspect_cohorts(mixpanel: Mixpanel) -> Rows:
    """List the saved cohorts (groups of users) of this Mixpanel project, with their sizes.

    Use it to find a cohort's id or size; it does not list members. `created` is without time zone.
    Costs one query of the project's 60 per hour.
    """
    return await cohorts(mixpanel)
