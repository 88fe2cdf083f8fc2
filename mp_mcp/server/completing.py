"""Completions over MCP: names of events, properties and tables that are known already.

Never asks Mixpanel, and never fails: who completes a word gets what there is in a moment.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import anyio
from mcp_types import CompleteResult, Completion

from mp_mcp.errors import MpError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_names import last_event_names
from mp_mcp.mixpanel.known_names import known_properties
from mp_mcp.overview import Overview
from mp_mcp.server.resources import Lends
from mp_mcp.store.handles import StoreReader

MOST = 100
"""Values of one answer, by the protocol."""

PATIENCE_S = 2.0

EVENTS = {"event", "born", "return_event"}
LISTS_OF_EVENTS = {"events"}


async def completed(
    here: Lends, argument: str, typed: str, others: Mapping[str, str]
) -> CompleteResult:
    """The known names that continue what is typed, and then those that contain it."""
    names: list[str] = []
    before, last = "", typed
    if argument in LISTS_OF_EVENTS:
        head, comma, last = typed.rpartition(",")
        before, last = head + comma + " " * bool(comma), last.strip()
    with suppress(MpError), anyio.move_on_after(PATIENCE_S):
        names = await _names(here, argument, others)
    wanted = last.casefold()
    starting = [name for name in names if name.casefold().startswith(wanted)]
    inside = [name for name in names if wanted in name.casefold() and name not in starting]
    found = [before + name for name in [*starting, *inside]]
    return CompleteResult(
        completion=Completion(values=found[:MOST], total=len(found), has_more=len(found) > MOST)
    )


async def _names(here: Lends, argument: str, others: Mapping[str, str]) -> list[str]:
    if argument in EVENTS | LISTS_OF_EVENTS:
        return await last_event_names(await _mixpanel(here))
    if argument == "property":
        return await known_properties(await _mixpanel(here), others.get("event"))
    return await _tables(here) if argument == "table" else []


async def _mixpanel(here: Lends) -> Mixpanel:
    return cast(Mixpanel, await here.lend(Mixpanel, fresh=False))


async def _tables(here: Lends) -> list[str]:
    """As last seen; only when nobody has looked yet the file is opened."""
    seen = (await cast(Overview, await here.lend(Overview)).workspace()).tables
    if seen is None:
        store = cast(StoreReader, await here.lend(StoreReader))
        return [table.name for table in await store.tables()]
    return [table.name for table in seen]
