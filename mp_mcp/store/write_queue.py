"""All writes to a file, one after another, each in one transaction.

Never waits without bound: a full queue is an error at once, and whoever stops waiting takes the
job out, or interrupts it.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import duckdb

from mp_mcp.errors import QueueFullError, StoreError
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.session import Session

T = TypeVar("T")

MAX_WAITING = 64

logger = logging.getLogger(__name__)


@dataclass
class _Job(Generic[T]):
    work: Callable[[Cursor], T]
    session: Session | None
    checkpoint: bool
    outcome: asyncio.Future[T]


class WriteQueue:
    """The writer of one database; it works only while there are jobs."""

    def __init__(self, database: Database, *, max_waiting: int = MAX_WAITING) -> None:
        self._database = database
        self._max_waiting = max_waiting
        self._waiting: deque[_Job[object]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Number of jobs that have not started."""
        return len(self._waiting)

    async def submit(
        self,
        work: Callable[[Cursor], T],
        *,
        session: Session | None = None,
        checkpoint: bool = False,
    ) -> T:
        """Run `work` in a transaction of its own and return its result once it is committed.

        `session` is for work that needs the temporary tables of its own cursor; `checkpoint` is
        for big work. Cancelled before it starts, the job is taken out; while it runs, it is
        interrupted and rolled back.
        Raises: QueueFullError, DatabaseLockedError, StoreError after close, and what `work` raises.
        """
        if self._is_closed:
            raise StoreError("The database is closing.", hint="Try again in a moment.")
        if len(self._waiting) >= self._max_waiting:
            raise QueueFullError(
                f"{len(self._waiting)} writes are waiting already.",
                hint="Try again in some seconds; mp status shows what is running.",
                retry_after=5.0,
            )
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        job = _Job(work, session, checkpoint, outcome)
        self._waiting.append(cast("_Job[object]", job))
        if self._writer is None:
            self._writer = loop.create_task(self._write())
        # Cancelling the caller cancels `outcome`, which the writer sees.
        return await outcome

    async def close(self) -> None:
        """Refuse new jobs and finish those that wait. Idempotent."""
        self._is_closed = True
        if self._writer is not None:
            await asyncio.wait((self._writer,))

    async def _write(self) -> None:
        try:
            while self._waiting:
                job = self._waiting.popleft()
                if not job.outcome.done():
                    await self._finish(job)
        except asyncio.CancelledError:
            for job in self._waiting:
                job.outcome.cancel()
            self._waiting.clear()
            raise
        finally:
            self._writer = None

    async def _finish(self, job: _Job[object]) -> None:
        try:
            if job.session is not None:
                result = await self._run(job, job.session, last=False)
            else:
                async with self._database.session(write=True) as session:
                    result = await self._run(job, session, last=True)
        except asyncio.CancelledError:
            job.outcome.cancel()
            raise
        except BaseException as error:  # noqa: BLE001 - the waiter gets it; the writer goes on
            if not job.outcome.done():
                job.outcome.set_exception(error)
        else:
            if not job.outcome.done():
                job.outcome.set_result(result)

    async def _run(self, job: _Job[object], session: Session, *, last: bool) -> object:
        job.outcome.add_done_callback(
            lambda outcome: session.stop() if outcome.cancelled() else None
        )
        try:
            return await session.run(_transaction(job.work, job.checkpoint), last=last)
        finally:
            self._database.changed()


def _transaction(work: Callable[[Cursor], T], checkpoint: bool) -> Callable[[Cursor], T]:
    def write(cursor: Cursor) -> T:
        cursor.execute("BEGIN TRANSACTION")
        try:
            result = work(cursor)
            # COMMIT of an aborted transaction raises nothing and keeps nothing; this raises.
            cursor.execute("SELECT 1").fetchall()
            cursor.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            raise
        if checkpoint:
            _checkpoint(cursor)
        return result

    return write


def _checkpoint(cursor: Cursor) -> None:
    try:
        cursor.execute("CHECKPOINT")
    except duckdb.Error:
        # What was committed is safe in the write-ahead log; closing tries again.
        logger.warning("A checkpoint after a big write failed", exc_info=True)
