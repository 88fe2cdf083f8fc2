"""The tool inspect_properties. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.properties import MOST, event_properties
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import EVENTS, doubt, doubt_events
from mp_mcp.tools.params import Event


@tool(essential=True)
async def inspect_properties(mixpanel: Mixpanel, event: Event) -> Rows:
    """List the properties that one event carries, the most frequent first.

    Use it before a breakdown or a filter. Not for values: use inspect_values; not for local tables:
    use inspect_schema. Costs 1 query.
    Example: event="Purchase".
    """
    found = doubt(await event_properties(mixpanel, event), f"No properties of {event!r}", EVENTS)
    await doubt_events(found, mixpanel, event)
    if len(found.rows) >= MOST:
        found.truncated = True
        found.hint = f"Mixpanel was asked for the {MOST:,} most frequent ones only."
    return found
