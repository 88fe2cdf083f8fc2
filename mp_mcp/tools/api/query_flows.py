"""The tool query_flows. Never touches the database."""

from typing import Annotated

from pydantic import Field

from mp_mcp.mixpanel import flows
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.nothing_found import FLOWS, pointing
from mp_mcp.tools.params import BookmarkId

View = Annotated[
    flows.View,
    Flag("--view"),
    Field(description="Steps with their transitions, whole paths, or a tree of branches"),
]


@tool(savable=True)
async def query_flows(
    mixpanel: Mixpanel, bookmark_id: BookmarkId, *, view: View = "sankey"
) -> flows.Flows:
    """Show which events users do before and after others, from a saved Mixpanel flows report.

    Use it for paths that users take; inspect_bookmarks, type flows, has the ids. Not for other
    reports: use query_saved_report. In a sankey each event at a step is a row, and so is each
    transition to_step, to_event; counts are users or events, as the report has it. Costs 1 query.
    Example: bookmark_id=63001.
    """
    with pointing(FLOWS):
        return await flows.flows(mixpanel, bookmark_id, view)
