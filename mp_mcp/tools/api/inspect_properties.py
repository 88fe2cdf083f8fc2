"""The tool inspect_properties. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.properties import MOST, event_properties
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import EVENTS, doubt
from mp_mcp.tools.params import Event


@tool(essential=True)
async def inspect_properties(mixpanel: Mixpanel, event: Event) -> Rows:
    """List the properties that one event carries, the most frequent first.

    Use it before a breakdown or a filter. For their values use inspect_values, for descriptions
    inspect_lexicon_schema. Costs one query of the project's 60 per hour.
    Example: event="Purchase".
    """
    found = doubt(await event_properties(mixpanel, event), f"No properties of {event!r}", EVENTS)
    if len(found.rows) >= MOST:
        found.truncated = True
        found.hint = f"Mixpanel was asked for the {MOST:,} most frequent ones only."
    return found
