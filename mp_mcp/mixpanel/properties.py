"""`GET query/events/properties/top` and `/values`: what events carry.

Never counts over time: `property_counts.py` does.
"""

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import NumberIfAny, read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.known_names import remember_properties
from mp_mcp.mixpanel.transport import Params
from mp_mcp.results import Rows

MOST = 1000
"""Mixpanel lists ten properties unless it is asked for more."""


class _Found(BaseModel):
    count: NumberIfAny = None


_PROPERTIES = TypeAdapter(dict[str, _Found])
_VALUES = TypeAdapter(list[Any])


async def event_properties(mixpanel: Mixpanel, event: str) -> Rows:
    """Properties of an event, the most frequent first. Costs a unit of the query budget."""
    params: Params = {"event": event, "limit": MOST}
    answer = await mixpanel.get(
        "query", "/events/properties/top", params, keep_s=freshness.DISCOVERY
    )
    found = event_properties_of(answer)
    await remember_properties(mixpanel, event, [row[0] for row in found.rows])
    return found


def event_properties_of(answer: Any) -> Rows:
    """One row per property; those that Mixpanel computes have no count, and come last."""
    found: dict[str, _Found] = read(_PROPERTIES, answer, "properties")
    counts = {name: each.count for name, each in found.items()}
    names = sorted(counts, key=lambda name: (counts[name] is None, -(counts[name] or 0), name))
    return Rows.of(["property", "count"], [[name, counts[name]] for name in names])


async def property_values(
    mixpanel: Mixpanel, name: str, *, event: str | None = None, limit: int
) -> list[str]:
    """Values of a property, of one event or of all. Costs a unit of the query budget."""
    params: Params = {"name": name, "event": event, "limit": limit}
    return property_values_of(
        await mixpanel.get("query", "/events/properties/values", params, keep_s=freshness.DISCOVERY)
    )


def property_values_of(answer: Any) -> list[str]:
    """Texts in Mixpanel's order, the most common first; other values as JSON."""
    values: list[Any] = read(_VALUES, answer, "values of a property")
    return [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for value in values
    ]
