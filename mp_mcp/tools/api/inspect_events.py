"""The tool inspect_events. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_names import MOST, event_names
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import doubt_search
from mp_mcp.tools.params import RowLimit, Search


@tool(essential=True)
async def inspect_events(
    mixpanel: Mixpanel, *, search: Search = None, limit: RowLimit = 1000
) -> Rows:
    """List the names of the events that this Mixpanel project has received.

    Use it to learn which events exist, before anything that names one. Not for counts: use
    query_event_counts. Costs 1 query.
    Example: search="sign".
    """
    wanted = (search or "").casefold()
    names = await event_names(mixpanel)
    rows = [[name] for name in names if wanted in name.casefold()]
    found = Rows.of(["event"], rows).first(limit, "events")
    if len(names) >= MOST:
        found.truncated = True
        # Mixpanel cuts without a word, so what is missing is unknown even to a search.
        said = f"Mixpanel lists at most {MOST:,} events: others can be asked for by their name."
        found.hint = f"{said} {found.hint}" if found.hint else said
    return doubt_search(found, search, "event")
