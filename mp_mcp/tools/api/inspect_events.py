"""The tool inspect_events. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.params import RowLimit, Search


@tool
async def inspect_events(
    mixpanel: Mixpanel, *, search: Search = None, limit: RowLimit = 1000
) -> Rows:
    """List the names of the events that this Mixpanel project has received.

    Use it first, to learn which events exist; search narrows it to names with a word in them. Not
    for counts: use query_segmentation for one event's series. Costs one query of the project's 60
    per hour.
    """
    wanted = (search or "").casefold()
    names = [name for name in await mixpanel.event_names() if wanted in name.casefold()]
    kept = names[:limit]
    return Rows(
        columns=["event"],
        rows=[[name] for name in kept],
        row_count=len(kept),
        truncated=len(kept) < len(names),
        hint=f"{len(names)} events match; use search." if len(kept) < len(names) else None,
    )
