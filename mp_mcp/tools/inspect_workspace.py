"""The tool inspect_workspace. Never asks Mixpanel and never opens the database."""

from mp_mcp.overview import Overview, Workspace
from mp_mcp.tool import tool


@tool(essential=True)
async def inspect_workspace(overview: Overview) -> Workspace:
    """Say where you stand: project, account, region, budget left, local tables, server, clients.

    Use it first in a session: it costs nothing and works while anything else is broken. Not for
    what is in the tables: use inspect_tables.
    """
    return await overview.workspace()
