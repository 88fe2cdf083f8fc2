"""Names of properties that this project's answers had: what completions offer beside event names.

Never asks Mixpanel: it remembers for long what was asked anyway, for the same eyes only.
"""

from collections.abc import Iterable

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_names import LAST_NAMES_KEEP_S, last_event_names

MOST_EVENTS = 50
"""Events whose properties are looked up when no event is named."""


async def remember_properties(mixpanel: Mixpanel, event: str, names: Iterable[str]) -> None:
    """All the properties of an event."""
    await mixpanel.keep_fact(_properties_of(event), list(names), LAST_NAMES_KEEP_S)


async def known_properties(mixpanel: Mixpanel, event: str | None) -> list[str]:
    """Those of an event, the most frequent first; without an event those of all, by name."""
    if event:
        return [str(name) for name in await mixpanel.fact(_properties_of(event)) or ()]
    found: set[str] = set()
    for name in (await last_event_names(mixpanel))[:MOST_EVENTS]:
        found.update(await mixpanel.fact(_properties_of(name)) or ())
    return sorted(found)


def _properties_of(event: str) -> str:
    return f"property_names/{event}"
