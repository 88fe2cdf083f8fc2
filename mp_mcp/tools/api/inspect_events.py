"""The tool inspect_events. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.params import RowLimit


@tool
async def inspect_events(mixpanel: Mixpanel, *, limit: RowLimit = 1000) -> Rows:
    """List the names of the events that this Mixpanel project has received.

    Use it first, to learn which events exist. Not for counts: use query_segmentation for one
    event's series. Costs one query of the project's 60 per hour.
    """
    names = await mixpanel.event_names()
    kept = names[:limit]
    return Rows(
        columns=["event"],
        rows=[[name] for name in kept],
        row_count=len(kept),
        truncated=len(kept) < len(names),
        hint=f"{len(names)} events exist; raise limit." if len(kept) < len(names) else None,
    )
