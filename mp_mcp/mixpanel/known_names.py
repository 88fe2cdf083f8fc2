"""Names of events and properties that this project's answers had: what completions offer.

Never asks Mixpanel: it remembers for long what was asked anyway, for the same eyes only.
"""

from collections.abc import Iterable

from mp_mcp.mixpanel.client import Mixpanel

EVENTS = "event_names"
KEEP_S = 90 * 24 * 3600.0
MOST_EVENTS = 50
"""Events whose properties are looked up when no event is named."""


async def remember_events(mixpanel: Mixpanel, names: Iterable[str]) -> None:
    """All the events that there are."""
    await mixpanel.keep_fact(EVENTS, list(names), KEEP_S)


async def remember_properties(mixpanel: Mixpanel, event: str, names: Iterable[str]) -> None:
    """All the properties of an event."""
    await mixpanel.keep_fact(_properties_of(event), list(names), KEEP_S)


async def known_events(mixpanel: Mixpanel) -> list[str]:
    """Those that anybody with these credentials has listed."""
    return [str(name) for name in await mixpanel.fact(EVENTS) or ()]


async def known_properties(mixpanel: Mixpanel, event: str | None) -> list[str]:
    """Those of an event, the most frequent first; without an event those of all, by name."""
    if event:
        return [str(name) for name in await mixpanel.fact(_properties_of(event)) or ()]
    found: set[str] = set()
    for name in (await known_events(mixpanel))[:MOST_EVENTS]:
        found.update(await mixpanel.fact(_properties_of(name)) or ())
    return sorted(found)


def _properties_of(event: str) -> str:
    return f"property_names/{event}"
