"""One cursor and the work that it does, one piece after another, in worker threads.

Never runs two pieces at once on its cursor: duckdb refuses that, or mixes up answers.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import anyio
import duckdb

from mp_mcp.errors import QueryError, QueryTimeoutError, StoreError
from mp_mcp.store.threads import Threads
from mp_mcp.store.translate import is_fatal, translate, translate_os

T = TypeVar("T")

INTERRUPT_AGAIN_S = 0.05
"""An interrupt that arrives between two statements is lost, so it is repeated."""


class Session:
    """A cursor of an open database; `ended` is called once, when its last thread has ended."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        path: Path,
        threads: Threads,
        *,
        ended: Callable[["Session"], None],
        broken: Callable[[], None],
    ) -> None:
        self._cursor = cursor
        self._path = path
        self._threads = threads
        self._ended = ended
        self._broken = broken
        self._work: asyncio.Future[object] | None = None
        self._stopped = False
        self._is_closed = False
        self._cursor_is_closed = False
        # An interrupt must not meet a cursor that its thread is closing.
        self._closing = threading.Lock()

    async def run(
        self,
        work: Callable[[duckdb.DuckDBPyConnection], T],
        *,
        timeout_s: float | None = None,
        last: bool = False,
        to_its_end: bool = False,
    ) -> T:
        """Run one piece of work; `last` also closes the cursor, in the same thread.

        Cancelled or out of time, it returns at once; the thread is interrupted and ends later.
        Work that runs `to_its_end` is waited for first, and not interrupted.
        Raises: QueryTimeoutError, and whatever the work raises, translated.
        """
        if self._stopped:
            raise _stopped()
        running = self._threads.run(partial(self._call, work, last))
        self._work = cast("asyncio.Future[object]", running)
        self._work.add_done_callback(_look_at_the_outcome)
        try:
            done, _ = await asyncio.wait((running,), timeout=timeout_s)
        except asyncio.CancelledError:
            if to_its_end:
                await ended(running)
            else:
                self.stop()
            raise
        if not done:
            self.stop()
            raise timed_out(timeout_s or 0)
        return running.result()

    def _call(self, work: Callable[[duckdb.DuckDBPyConnection], T], last: bool) -> T:
        try:
            if self._stopped:
                raise _stopped()
            return work(self._cursor)
        except duckdb.Error as error:
            if is_fatal(error):
                self._broken()
            raise translate(error, self._path) from error
        except OSError as error:
            # What a load writes beside the database: heads and clean copies of files.
            raise translate_os(error, self._path) from error
        except MemoryError as error:
            raise QueryError(
                "The query needs more memory than this process may use.",
                hint="Select fewer columns or rows, or aggregate; max_process_gb under [server] in "
                "mp.toml is the limit.",
            ) from error
        finally:
            if last:
                self._close_cursor()

    def _close_cursor(self) -> None:
        with self._closing:
            self._cursor.close()
            self._cursor_is_closed = True

    def stop(self) -> None:
        """Interrupt what runs, and keep at it until its thread has ended. Returns at once."""
        self._stopped = True
        if self._work is None or self._work.done():
            return
        if self._closing.acquire(blocking=False):
            try:
                if not self._cursor_is_closed:
                    self._cursor.interrupt()
            finally:
                self._closing.release()
        asyncio.get_running_loop().call_later(INTERRUPT_AGAIN_S, self.stop)

    def close(self) -> None:
        """Let go of the cursor as soon as its thread has ended. Returns at once. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._stopped = True
        if self._work is None or self._work.done():
            self._let_go()
        else:
            self.stop()
            self._work.add_done_callback(lambda _: self._let_go())

    def _let_go(self) -> None:
        if self._cursor_is_closed:
            self._ended(self)
            return
        # Closing drops the cursor's temporary tables, which can take a while.
        closing = self._threads.run(self._close_cursor)
        closing.add_done_callback(lambda _: self._ended(self))


async def ended(work: "asyncio.Future[T]") -> None:
    """Wait for the work's outcome, whatever it is and whoever cancels the waiting."""
    with anyio.CancelScope(shield=True):
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait((work,))


def timed_out(limit_s: float) -> QueryTimeoutError:
    """What a caller reads who asked for at most `limit_s` seconds."""
    return QueryTimeoutError(
        f"The query was stopped at its time limit of {limit_s:.3g} s.",
        hint="Filter by day and event, select fewer columns, or aggregate first; "
        "`timeout` raises the limit.",
    )


def _stopped() -> StoreError:
    return StoreError("The call was stopped before it started.", hint="Run it again.")


def _look_at_the_outcome(work: asyncio.Future[object]) -> None:
    """Nobody may be waiting any more: an outcome nobody looks at would be logged as a mistake."""
    if not work.cancelled():
        work.exception()
