"""What a server does for itself, unasked, while it goes on for weeks.

Never holds up a client for long, and never ends the server: what fails is tried another time.
"""

import logging
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from mp_mcp.server import memory
from mp_mcp.server.door import Door
from mp_mcp.server.workspaces import Workspaces

LOOK_FOR_QUIET_S = 3.0
SWEEP_EVERY_S = 20.0

logger = logging.getLogger(__name__)


async def sweep_now_and_then(workspaces: Workspaces) -> None:
    """However busy it is: on a server that is never alone, nothing else frees deleted rows."""
    while True:
        await anyio.sleep(SWEEP_EVERY_S)
        await _tried(workspaces.sweep)


async def tidy_in_quiet_moments(door: Door, workspaces: Workspaces) -> None:
    """Soon after work, or after a file was let go: the quiet may last for weeks."""
    tidied = None
    while True:
        await anyio.sleep(LOOK_FOR_QUIET_S)
        seen = (workspaces.history.latest, workspaces.open_files)
        if door.is_busy or any(door.jobs.running()):
            tidied = None
        elif seen != tidied:
            await _tried(workspaces.tidy)
            await _tried(_give_memory_back)
            tidied = seen


async def _give_memory_back() -> None:
    await anyio.to_thread.run_sync(memory.give_back)


async def _tried(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception:
        logger.exception("Housekeeping failed")
