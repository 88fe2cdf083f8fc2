"""The time zone of each project, in which Mixpanel counts its days.

Never holds a call up for long, and never fails one: an unknown zone is None.
"""

import asyncio
import logging
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from mp_mcp.errors import MpError
from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.me import ME, me_of
from mp_mcp.mixpanel.transport import Transport

logger = logging.getLogger(__name__)

KEEP_S = 24 * 3600.0
FAILED_FOR_S = 600.0
"""How long a refusal is remembered: some credentials may not ask, and each try is a request."""

PATIENCE_S = 1.0
"""How long a finished answer may wait for its zone."""

ZONE = "time_zone"
_UNKNOWN = ""


def clock_of(zone: str | None) -> tzinfo:
    """The clock of a zone by its name; UTC for one that this machine does not know."""
    try:
        return ZoneInfo(zone or "UTC")
    except (KeyError, ValueError, OSError):
        return UTC


class Zones:
    """Asks in the background, once per account and project."""

    def __init__(
        self,
        cache: AnswerCache,
        *,
        patience_s: float = PATIENCE_S,
        failed_for_s: float = FAILED_FOR_S,
    ) -> None:
        self._cache = cache
        self._patience_s = patience_s
        self._failed_for_s = failed_for_s
        self._asking: dict[str, asyncio.Task[str | None]] = {}

    def ask(self, transport: Transport) -> "asyncio.Task[str | None]":
        """Begin to find out; the task goes on when nobody waits for it any more."""
        key = self._cache.key_of(transport.target, ME)
        task = self._asking.get(key)
        if task is None or task.done():
            # Kept here: asyncio itself holds a task by a weak reference only.
            task = self._asking[key] = asyncio.ensure_future(self._asked(transport))
        return task

    async def found(self, task: "asyncio.Task[str | None]") -> str | None:
        """The zone's name, e.g. `Europe/Lisbon`, if it is known by now or in a moment."""
        await asyncio.wait([task], timeout=self._patience_s)
        if not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    async def close(self) -> None:
        """Find out nothing more."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _asked(self, transport: Transport) -> str | None:
        target = transport.target
        known = await self._cache.fact(target, ZONE)
        if known is not None:
            return str(known) or None
        try:
            me = me_of((await self._cache.ask(transport, ME, 0)).value)
        except MpError as error:
            logger.debug("the project's time zone is not known: %s", error.message)
            await self._cache.keep_fact(target, ZONE, _UNKNOWN, self._failed_for_s)
            return None
        project = me.project(target.project_id)
        zone = project.timezone if project else None
        keep_s = KEEP_S if zone else self._failed_for_s
        await self._cache.keep_fact(target, ZONE, zone or _UNKNOWN, keep_s)
        return zone
