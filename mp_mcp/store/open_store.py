"""The stores of this process: one per database file, and only a few files open at once.

Never opens a file: the first call that needs it does.
"""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mp_mcp.store import coverage
from mp_mcp.store.catalog import NamesCache, Seen
from mp_mcp.store.database import Database
from mp_mcp.store.guard import Guard
from mp_mcp.store.guarded import GuardedReads
from mp_mcp.store.holes import CoverageCache
from mp_mcp.store.instance import MEMORY_PERCENT
from mp_mcp.store.lanes import LONG, SHORT, Lanes, Share
from mp_mcp.store.locks import LOCK_WAIT_S, Whose, nobodys
from mp_mcp.store.missing_keys import KeysCache
from mp_mcp.store.opening import prepare
from mp_mcp.store.reads import Limits, Reader
from mp_mcp.store.sweep import Sweeper
from mp_mcp.store.write_queue import MAX_WAITING, WriteQueue
from mp_mcp.store.writes import Selects, Writer

MAX_OPEN = 4


class Capacity(NamedTuple):
    """How much one database file may be asked at once, and of the computer's memory in percent."""

    writes: int = MAX_WAITING
    reads: int = SHORT + LONG
    memory_percent: float = MEMORY_PERCENT


class Shared:
    """What all callers of one database file share."""

    def __init__(self, database: Database, capacity: Capacity) -> None:
        self.database = database
        self.queue = WriteQueue(database, max_waiting=capacity.writes)
        self.sweeper = Sweeper(database, self.queue)
        self.guarded = GuardedReads(database, Guard(), NamesCache())
        self.lanes = Lanes.of(capacity.reads)
        self.covers = CoverageCache()
        self.keys = KeysCache()
        self.seen = Seen()


class Store:
    """One caller's view of a database file: lends readers and writers of its patience."""

    def __init__(
        self, shared: Shared, lock_wait_s: float, late_days: float = coverage.LATE_DAYS
    ) -> None:
        self.shared = shared
        self._turns = Share(shared.lanes)
        self._lock_wait_s = lock_wait_s
        self._late_days = late_days

    @property
    def database(self) -> Database:
        """The file."""
        return self.shared.database

    def reader(self, limits: Limits | None = None) -> Reader:
        """A handle that reads within these limits."""
        shared = self.shared
        return Reader(
            shared.database,
            shared.guarded,
            self._turns,
            limits or Limits(),
            covers=shared.covers,
            keys=shared.keys,
            seen=shared.seen,
            lock_wait_s=self._lock_wait_s,
            late_days=self._late_days,
        )

    def writer(self, limits: Limits | None = None, *, job_id: str | None = None) -> Writer:
        """A handle that also writes; `job_id` makes its loads safe to repeat."""
        shared = self.shared
        return Writer(
            shared.database,
            shared.queue,
            Selects(shared.guarded, self._turns, limits or Limits()),
            seen=shared.seen,
            job_id=job_id,
            lock_wait_s=self._lock_wait_s,
            late_days=self._late_days,
        )

    def status(self) -> dict[str, Any]:
        """What is known without opening the file or keeping it open."""
        found = self.database.status()
        tables = self.shared.seen.tables
        return {
            "path": str(found.path),
            "state": found.state,
            "size_bytes": found.size,
            "running": found.running,
            "waiting_reads": self.shared.lanes.waiting,
            "waiting_writes": self.shared.queue.waiting,
            "tables": tables and [table.model_dump(mode="json") for table in tables],
        }

    async def close(self) -> None:
        """Finish the waiting writes, stop the reads, let go of the file. Idempotent."""
        await self.shared.queue.close()
        await self.database.close()


class Files:
    """Every store of this process, by the path of its file."""

    def __init__(
        self,
        whose: Whose = nobodys,
        capacity: Capacity = Capacity(),  # noqa: B008 - immutable
        *,
        max_open: int = MAX_OPEN,
    ) -> None:
        self._whose = whose
        self._capacity = capacity
        self._known: dict[Path, Shared] = {}
        self._max_open = max_open

    def store(
        self,
        path: Path,
        *,
        spool: Path,
        lock_wait_s: float = LOCK_WAIT_S,
        release_after_s: float = 60.0,
        late_days: float = coverage.LATE_DAYS,
    ) -> Store:
        """The store of a file; what it shares lasts until it is closed."""
        path = path.resolve()
        known = self._known.get(path)
        if known is None or known.database.is_closed:
            known = self._known[path] = Shared(
                Database(
                    path,
                    spool=spool,
                    release_after_s=release_after_s,
                    prepare=prepare,
                    make_room=partial(self._make_room, path),
                    whose=self._whose,
                    memory_percent=self._capacity.memory_percent,
                ),
                self._capacity,
            )
        return Store(known, lock_wait_s, late_days)

    @property
    def open_count(self) -> int:
        """How many of them are open now."""
        return sum(shared.database.is_open for shared in self._known.values())

    def status(self) -> list[dict[str, Any]]:
        """What is known about every file, without opening one."""
        return [Store(shared, LOCK_WAIT_S).status() for shared in self._known.values()]

    async def sweep(self) -> None:
        """Now and then: see `sweep.py`."""
        for shared in tuple(self._known.values()):
            await shared.sweeper.sweep()

    async def tidy(self) -> None:
        """In a quiet moment, the log goes into the file as well."""
        for shared in tuple(self._known.values()):
            await shared.sweeper.sweep()
            await shared.sweeper.merge_log()

    async def close(self) -> None:
        """Close every store. Idempotent."""
        for shared in tuple(self._known.values()):
            await Store(shared, LOCK_WAIT_S).close()

    async def _make_room(self, opening: Path) -> None:
        """Close files that no call uses, those used longest ago first.

        When calls use all of them, one more is opened: waiting could take as long as a query.
        """
        others = [
            shared.database
            for path, shared in self._known.items()
            if path != opening and shared.database.is_open
        ]
        idle = sorted(
            (database for database in others if database.is_idle),
            key=lambda database: database.last_used,
        )
        for database in idle[: max(0, len(others) + 1 - self._max_open)]:
            await database.release()
