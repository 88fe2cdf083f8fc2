"""Waiting for a turn to read, and reading within one time limit for both.

Never runs anything outside its turn.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from mp_mcp.errors import QueryTimeoutError
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.lanes import Share, Turn
from mp_mcp.store.session import timed_out

T = TypeVar("T")

LEAST_S = 0.01


async def in_turn(
    database: Database,
    lanes: Share,
    work: Callable[[Cursor], T],
    seconds: float,
    lock_wait_s: float,
) -> T:
    """Run `work` with a fresh cursor when it is its turn; waiting counts.

    Raises: QueryTimeoutError, DatabaseLockedError and what the work raises.
    """
    async with turn(lanes, seconds) as (own, left):
        return await database.run(work, timeout_s=left, lock_wait_s=lock_wait_s, ended=own.leave)


@asynccontextmanager
async def turn(lanes: Share, seconds: float) -> AsyncIterator[tuple[Turn, float]]:
    """A turn, which somebody has to leave, and the seconds that are left.

    Raises: QueryTimeoutError.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    try:
        async with asyncio.timeout(seconds):
            own = await lanes.enter()
    except TimeoutError as error:
        raise QueryTimeoutError(
            f"Other queries kept all {lanes.most} slots busy for {seconds:g} s.",
            hint="Try again in a moment; mp server status counts the calls that run, and max_reads "
            "under [server] in mp.toml sets how many run at once.",
        ) from error
    try:
        yield own, max(deadline - clock(), LEAST_S)
    except QueryTimeoutError as error:
        # It names what was left of the limit after waiting for the turn.
        raise timed_out(seconds) from error
