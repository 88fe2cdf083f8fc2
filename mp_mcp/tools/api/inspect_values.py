"""The tool inspect_values. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.properties import property_values
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import PROPERTIES, doubt, doubt_events
from mp_mcp.tools.params import EventIfAny, Property, RowLimit


@tool(essential=True)
async def inspect_values(
    mixpanel: Mixpanel,
    property: Property,  # noqa: A002 - the contract's name
    *,
    event: EventIfAny = None,
    limit: RowLimit = 100,
) -> Rows:
    """List values of a property, the most common first, of one event or of all.

    Use it to spell a filter right. Not for how often each occurs: use query_property_counts. Costs
    1 query.
    Example: property="plan", event="Purchase".
    """
    # One more than is shown tells whether there are more.
    values = await property_values(mixpanel, property, event=event, limit=limit + 1)
    found = Rows.of(["value"], [[value] for value in values[:limit]])
    if len(values) > limit:
        found.truncated = True
        found.hint = "There are more values: raise limit."
    where = f" of {event!r}" if event else ""
    doubt(found, f"No values of the property {property!r}{where}", PROPERTIES)
    return await doubt_events(found, mixpanel, event)
