"""The one owner of a project's database file in this process: opens, lends cursors, lets go.

Never opens the file by any means but duckdb: closing any other handle would drop duckdb's lock.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import duckdb

from mp_mcp.errors import StoreError
from mp_mcp.store import file_size
from mp_mcp.store.instance import MEMORY_PERCENT, Instance, Opening, Prepare, open_instance
from mp_mcp.store.locks import LOCK_WAIT_S, Holder, Whose, holder_of, locked_error, nobodys, pauses
from mp_mcp.store.session import Session
from mp_mcp.store.threads import Threads
from mp_mcp.store.translate import is_unwritable, translate_opening

T = TypeVar("T")
Ended = Callable[[], None] | None
Cursor = duckdb.DuckDBPyConnection

STUCK_AFTER_S = 10.0
"""A call that cannot be interrupted (one huge scalar) does not hold up the end for longer."""

logger = logging.getLogger(__name__)


class DatabaseStatus(NamedTuple):
    """What is known without opening the file; `size` in bytes, `running` calls."""

    state: Literal["absent", "closed", "open", "read_only"]
    path: Path
    size: int
    running: int


class Database:
    """One file. It is opened by the first call that needs it and closed when idle."""

    def __init__(
        self,
        path: Path,
        *,
        spool: Path,
        release_after_s: float = 60.0,
        prepare: Prepare | None = None,
        make_room: Callable[[], Awaitable[None]] | None = None,
        whose: Whose = nobodys,
        memory_percent: float = MEMORY_PERCENT,
    ) -> None:
        self.path, self.spool = path.resolve(), spool.resolve()
        self.generation = 0
        self.last_used = 0.0
        self._release_after_s = release_after_s
        self._opening: Opening = {"prepare": prepare, "memory_percent": memory_percent}
        self._make_room = make_room
        self._locked = partial(locked_error, self.path, whose=whose)
        self._instance: Instance | None = None
        self._is_broken = self._is_closing = False
        self._sessions: set[Session] = set()
        self._gate, self._quiet = asyncio.Lock(), asyncio.Event()
        self._quiet.set()
        self._tasks: set[asyncio.Task[object]] = set()
        self._release: asyncio.TimerHandle | None = None
        self._threads = Threads("reads")
        # Loads take minutes of two processors; a short read must not stand in line behind them.
        self._background = Threads("writes", background=True)

    async def run(
        self,
        work: Callable[[Cursor], T],
        *,
        write: bool = False,
        timeout_s: float | None = None,
        lock_wait_s: float = LOCK_WAIT_S,
        ended: Ended = None,
    ) -> T:
        """Run `work` with a fresh cursor in a worker thread.

        Cancelled or out of time it returns at once; `ended` is called when the thread has ended.
        Raises: DatabaseLockedError, QueryTimeoutError and what the work raises, translated.
        """
        async with self.session(write=write, lock_wait_s=lock_wait_s, ended=ended) as session:
            return await session.run(work, timeout_s=timeout_s, last=True)

    @asynccontextmanager
    async def session(
        self,
        *,
        write: bool = False,
        lock_wait_s: float = LOCK_WAIT_S,
        ended: Ended = None,
    ) -> AsyncIterator[Session]:
        """A cursor for several pieces of work; its temporary tables live as long as it.

        Raises: DatabaseLockedError when a foreign program holds the file for too long.
        """
        try:
            session = await self._enter(write, lock_wait_s, ended)
        except BaseException:
            if ended is not None:
                ended()
            raise
        try:
            yield session
        finally:
            session.close()

    def changed(self) -> None:
        """Tell that tables may have changed: what was read from the catalog is stale."""
        self.generation += 1

    @property
    def is_open(self) -> bool:
        """Whether this process holds the file."""
        return self._instance is not None

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called: it refuses every call."""
        return self._is_closing

    @property
    def is_idle(self) -> bool:
        """Whether no call uses the file."""
        return not self._sessions

    def status(self) -> DatabaseStatus:
        """What is known without opening the file or keeping it open."""
        try:
            size = file_size.of_database(self.path)
        except OSError:
            return DatabaseStatus("absent", self.path, 0, len(self._sessions))
        state: Literal["closed", "open", "read_only"] = "closed"
        if self._instance is not None:
            state = "read_only" if self._instance.read_only else "open"
        return DatabaseStatus(state, self.path, size, len(self._sessions))

    async def release(self) -> bool:
        """Let go of the file now, unless a call uses it; the next call opens it again."""
        async with self._gate:
            if self._sessions:
                return False
            await self._let_go()
            self._threads.end_idle()
            self._background.end_idle()
            return True

    async def close(self) -> None:
        """Stop what runs, let go of the file, refuse later calls. Idempotent."""
        self._is_closing = True
        for session in tuple(self._sessions):
            session.close()
        try:
            async with asyncio.timeout(STUCK_AFTER_S):
                await self._quiet.wait()
        except TimeoutError:
            logger.warning("A call on %s does not stop; it ends with the process", self.path.name)
            return
        if self._release is not None:
            self._release.cancel()
        async with self._gate:
            await self._let_go()
        self._threads.close()
        self._background.close()

    # --- lending cursors

    async def _enter(self, write: bool, lock_wait_s: float, ended: Ended) -> Session:
        clock = asyncio.get_running_loop().time
        deadline = clock() + lock_wait_s
        waits = pauses()
        while True:
            if self._is_closing:
                raise StoreError(f"{self.path.name} is closing.", hint="Try again in a moment.")
            instance = self._instance
            if instance is not None and not self._gate.locked() and self._is_usable(write):
                return self._lend(instance, write, ended)
            holder = await self._in_background(self._change(write, lock_wait_s))
            if holder is None:
                continue
            left = deadline - clock()
            if left <= 0:
                raise self._locked(holder, write=write, waited_s=lock_wait_s)
            await asyncio.sleep(min(next(waits), left))

    def _is_usable(self, write: bool) -> bool:
        instance = self._instance
        if instance is None or self._is_broken or not instance.is_current():
            return False
        return not (write and instance.read_only)

    def _lend(self, instance: Instance, write: bool, ended: Ended) -> Session:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        self.last_used = asyncio.get_running_loop().time()
        # Cursors are made here, one at a time: a connection refuses two threads (4 microseconds).
        session = Session(
            instance.connection.cursor(),
            self.path,
            self._background if write else self._threads,
            ended=partial(self._returned, ended),
            broken=self._break,
        )
        self._sessions.add(session)
        self._quiet.clear()
        return session

    def _returned(self, ended: Ended, session: Session) -> None:
        self._sessions.discard(session)
        if ended is not None:
            ended()
        if self._sessions:
            return
        self._quiet.set()
        loop = asyncio.get_running_loop()
        self.last_used = loop.time()
        self._release = loop.call_later(self._release_after_s, self._release_when_idle)

    def _release_when_idle(self) -> None:
        self._in_background(self.release())

    def _break(self) -> None:
        self._is_broken = True

    # --- opening and letting go: one at a time, behind the gate, never cut by a cancelled caller

    def _in_background(self, step: Awaitable[T]) -> "asyncio.Future[T]":
        async def take() -> T:
            return await step

        task = asyncio.get_running_loop().create_task(take())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    async def _change(self, write: bool, lock_wait_s: float) -> Holder | None:
        """Open the file, or open it for writing: one attempt. Returns who is in the way."""
        async with self._gate:
            if self._is_usable(write):
                return None
            if self._instance is not None:
                await self._wait_until_quiet(self._instance, lock_wait_s)
                await self._let_go()
            return await self._open(write)

    async def _wait_until_quiet(self, instance: Instance, lock_wait_s: float) -> None:
        """New calls wait behind the gate meanwhile, so this is bounded."""
        try:
            async with asyncio.timeout(lock_wait_s):
                await self._quiet.wait()
        except TimeoutError as error:
            if instance.holder is not None:
                raise self._locked(instance.holder, write=True, waited_s=lock_wait_s) from error
            raise StoreError(
                f"{self.path.name} has to be opened again, but calls are still using it.",
                hint="Try again when they have ended (mp server status counts them).",
            ) from error

    async def _open(self, write: bool) -> Holder | None:
        if self._make_room is not None:
            await self._make_room()
        opening = partial(open_instance, self.path, self.spool, **self._opening)
        try:
            self._opened(await self._background.run(opening))
        except duckdb.Error as error:
            holder = holder_of(error)
            may_read = holder.reads_only if holder else not write and is_unwritable(error)
            if not may_read:
                return self._or_raise(holder, error)
        else:
            return None
        reading = partial(opening, read_only=True, holder=holder)
        try:
            self._opened(await self._background.run(reading))
        except duckdb.Error as error:
            return self._or_raise(holder_of(error), error)
        return holder if write else None

    def _or_raise(self, holder: Holder | None, error: duckdb.Error) -> Holder:
        if holder is None:
            raise translate_opening(error, self.path) from error
        return holder

    def _opened(self, instance: Instance) -> None:
        self._instance = instance
        self._is_broken = False
        self.changed()

    async def _let_go(self) -> None:
        instance, self._instance = self._instance, None
        if instance is not None:
            await self._threads.run(instance.close)
