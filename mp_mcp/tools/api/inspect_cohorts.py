"""The tool inspect_cohorts. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.cohorts import cohorts
from mp_mcp.results import Rows
from mp_mcp.tool import tool


@tool
async def inspect_cohorts(mixpanel: Mixpanel) -> Rows:
    """List the saved cohorts (groups of users) of this Mixpanel project, with their sizes.

    Use it to find the id of a cohort for fetch_profiles, or its size. Not for its members:
    fetch_profiles brings them. `created` is without time zone. Costs 1 query.
    """
    return await cohorts(mixpanel)
