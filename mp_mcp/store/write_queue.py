"""All writes to a file, one after another, each in one transaction.

Never stops a transaction that has begun: whoever leaves takes only a waiting job along. And never
queues without bound: a full queue is an error at once.
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
from mp_mcp.store.session import Session, ended

T = TypeVar("T")

MAX_WAITING = 64

logger = logging.getLogger(__name__)


@dataclass
class _Job(Generic[T]):
    work: Callable[[Cursor], T]
    session: Session | None
    checkpoint: bool
    outcome: asyncio.Future[T]
    has_begun: bool = False


class WriteQueue:
    """The writer of one database; it works only while there are jobs."""

    def __init__(self, database: Database, *, max_waiting: int = MAX_WAITING) -> None:
        self._database = database
        self._max_waiting = max_waiting
        self._waiting: deque[_Job[object]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._is_closed = False
        self.large_load = asyncio.Lock()
        """Held while one large export is loaded: together they would fill the memory."""

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
        for big work. Cancelled before it begins, the job is taken out; afterwards the cancellation
        is raised only when the job has committed or failed.
        Raises: QueueFullError, DatabaseLockedError, StoreError after close, and what `work` raises.
        """
        if self._is_closed:
            raise StoreError("The database is closing.", hint="Try again in a moment.")
        if len(self._waiting) >= self._max_waiting:
            raise QueueFullError(
                f"{len(self._waiting)} writes are waiting already, as many as may.",
                hint="Try again in some seconds; mp server status counts the calls that run, and "
                "max_waiting_writes under [server] in mp.toml sets how many may wait.",
                retry_after=5.0,
            )
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        job = _Job(work, session, checkpoint, outcome)
        self._waiting.append(cast("_Job[object]", job))
        if self._writer is None:
            self._writer = loop.create_task(self._write())
        try:
            await asyncio.wait((outcome,))
        except asyncio.CancelledError:
            if job.has_begun:
                await ended(outcome)
                _look_at_the_outcome(outcome)
            else:
                outcome.cancel()
            raise
        return outcome.result()

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
        if job.outcome.done():
            return None  # its waiter left while the file was opened
        job.has_begun = True
        work = _transaction(job.work, job.checkpoint)
        try:
            return await session.run(work, last=last, to_its_end=True)
        finally:
            self._database.changed()


def _look_at_the_outcome(outcome: "asyncio.Future[T]") -> None:
    """Its waiter gets the cancellation: a failure nobody looks at would be logged as a mistake."""
    if not outcome.cancelled() and (error := outcome.exception()) is not None:
        logger.warning("A write failed after its caller had left: %s", error)


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
    except duckdb.Error as error:
        # Queries are in its way, mostly. What was committed is safe in the write-ahead log, and
        # closing tries again.
        logger.warning("A checkpoint after a big write failed: %s", error)
