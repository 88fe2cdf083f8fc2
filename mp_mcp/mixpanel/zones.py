"""The time zone of each project, in which Mixpanel counts its days.

Never fails and never holds a call up for long: an unknown zone is None.
"""

import asyncio
import logging
import time

from mp_mcp.errors import MpError
from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.me import ME, me_of
from mp_mcp.mixpanel.transport import Transport

logger = logging.getLogger(__name__)

KEEP_S = 24 * 3600.0
FAILED_FOR_S = 600.0
"""How long a refusal is remembered: some credentials may not ask, and each try costs a request."""


class Zones:
    """Asks in the background, once per account and project."""

    patience_s = 1.0
    """How long a finished answer may wait for its zone."""

    def __init__(self, cache: AnswerCache) -> None:
        self._cache = cache
        self._asking: dict[str, asyncio.Task[str | None]] = {}
        self._failed: dict[str, float] = {}

    def of(self, transport: Transport) -> "asyncio.Task[str | None]":
        """The zone's name, e.g. `Europe/Lisbon`; the task goes on when nobody waits any more."""
        target = transport.target
        key = f"{self._cache.key_of(target, ME)} {target.project_id}"
        task = self._asking.get(key)
        if task is None or task.done():
            # Kept here: asyncio itself holds a task by a weak reference only.
            task = self._asking[key] = asyncio.ensure_future(self._asked(transport, key))
        return task

    async def _asked(self, transport: Transport, key: str) -> str | None:
        if time.monotonic() - self._failed.get(key, -FAILED_FOR_S) < FAILED_FOR_S:
            return None
        try:
            me = me_of((await self._cache.ask(transport, ME, KEEP_S)).value)
        except MpError as error:
            logger.debug("the project's time zone is not known: %s", error.message)
            self._failed[key] = time.monotonic()
            return None
        project = me.project(transport.target.project_id)
        return project.timezone if project else None
