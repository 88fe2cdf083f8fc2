"""Reads: one guarded statement on a snapshot of its own, bounded in number, time, rows and bytes.

Never writes, and never waits for the writer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mp_mcp.results import Rows, bounded
from mp_mcp.store import catalog, copies, coverage, describe, holes, missing_keys, outline, sample
from mp_mcp.store.column import column_report
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.guarded import GuardedReads, Judged
from mp_mcp.store.handles import StoreReader
from mp_mcp.store.holes import CoverageCache
from mp_mcp.store.lanes import Share
from mp_mcp.store.locks import LOCK_WAIT_S
from mp_mcp.store.missing_keys import KeysCache
from mp_mcp.store.models import ColumnReport, Format, SpooledFile, TableInfo
from mp_mcp.store.pages import Ask, Page, answer, read_page
from mp_mcp.store.placeholders import bound
from mp_mcp.store.sources import Source
from mp_mcp.store.turns import in_turn

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What one reader may take. No `max_bytes` means rows only."""

    max_rows: int = 1000
    max_bytes: int | None = 30_000
    timeout_s: float = 30.0
    max_timeout_s: float = 30.0

    def seconds(self, wanted: float | None) -> float:
        """How long a call may take that asked for so much."""
        return min(wanted or self.timeout_s, self.max_timeout_s)


class Reader(StoreReader):
    """Reads one database within limits; cheap to make, one per caller."""

    def __init__(
        self,
        database: Database,
        guarded: GuardedReads,
        lanes: Share,
        limits: Limits,
        *,
        covers: CoverageCache,
        keys: KeysCache,
        seen: catalog.Seen,
        lock_wait_s: float = LOCK_WAIT_S,
        late_days: float = coverage.LATE_DAYS,
    ) -> None:
        self._database = database
        self._guarded = guarded
        self._lanes = lanes
        self._limits = limits
        self._covers = covers
        self._keys = keys
        self._seen = seen
        self._lock_wait_s = lock_wait_s
        self._late_days = late_days

    async def query(
        self,
        sql: str,
        *,
        limit: int,
        offset: int = 0,
        timeout_s: float | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Rows:
        """Run one guarded SELECT and return at most `limit` rows after the first `offset`."""
        rows = max(0, min(limit, self._limits.max_rows))
        offset = max(0, offset)

        def read(cursor: Cursor) -> Page:
            def page(judged: Judged) -> Page:
                values = bound(judged.checked.parameters, params or {})
                most = self._limits.max_bytes
                found = read_page(cursor, Ask(judged.checked, values, rows, offset, most))
                lacking = holes.hint_for(cursor, judged, values, self._covers, self._late_days)
                unknown = missing_keys.hint_for(cursor, judged, self._keys)
                return replace(found, lacking=lacking, unknown=unknown)

            return self._guarded.run(cursor, sql, page, last=True)

        return answer(await self._in_turn(read, timeout_s), offset, limit)

    async def tables(self) -> list[TableInfo]:
        """Every table that a query can name. It is quick, and never waits for queries."""
        self._seen.tables = await self._database.run(
            partial(catalog.tables, late_days=self._late_days),
            timeout_s=self._limits.max_timeout_s,
            lock_wait_s=self._lock_wait_s,
        )
        return self._seen.tables

    async def schema(self, table: str) -> Rows:
        """Columns of a table, and properties that have none."""
        return await self._look(table, outline.outline)

    async def describe(self, table: str) -> Rows:
        """A summary of each column."""
        return await self._look(table, describe.describe)

    async def sample(self, table: str, rows: int) -> Rows:
        """Random rows."""
        return await self._look(table, partial(sample.sample, rows=rows))

    async def column(self, table: str, column: str, *, top: int) -> ColumnReport:
        """One column or property in depth."""
        found = await self._look(table, partial(column_report, name=column, top=top))
        if self._limits.max_bytes is not None:
            rows = [[value.value, value.count, value.share] for value in found.top]
            found.top = found.top[: len(bounded(rows, self._limits.max_bytes // 2))]
        return found

    async def export(
        self, sql: str, form: Format, *, timeout_s: float | None = None
    ) -> SpooledFile:
        """The whole answer as a file of the spool."""

        def copy(cursor: Cursor, path: Path) -> int:
            return self._guarded.run(
                cursor,
                sql,
                lambda judged: copies.copy_answer(cursor, judged.checked, path, form),
                last=True,
            )

        # As long as a reader may wait: nobody asks for a file in a hurry.
        seconds = timeout_s or self._limits.max_timeout_s
        return await copies.spooled(
            self._database.spool, f"answer.{form}", partial(self._in_turn, timeout_s=seconds), copy
        )

    async def snapshot(self) -> SpooledFile:
        """The whole database as a file of the spool."""
        return await copies.spooled(
            self._database.spool,
            "copy.db",
            partial(self._database.run, lock_wait_s=self._lock_wait_s),
            copies.copy_database,
        )

    async def _look(self, table: str, look: Callable[[Cursor, Source], T]) -> T:
        def looked(cursor: Cursor) -> T:
            return self._guarded.look(cursor, table, partial(look, cursor))

        return await self._in_turn(looked, None)

    async def _in_turn(self, work: Callable[[Cursor], T], timeout_s: float | None) -> T:
        seconds = self._limits.seconds(timeout_s)
        return await in_turn(self._database, self._lanes, work, seconds, self._lock_wait_s)
