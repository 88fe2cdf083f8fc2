"""Reads: one guarded statement on a snapshot of its own, bounded in number, time, rows and bytes.

Never writes, and never waits for the writer.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import duckdb

from mp_mcp.errors import QueryTimeoutError
from mp_mcp.results import Row, Rows, bounded
from mp_mcp.store import catalog, coverage
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.guard import Checked, Guard
from mp_mcp.store.handles import StoreReader
from mp_mcp.store.holes import CoverageCache, hint_of, read_tables
from mp_mcp.store.lanes import Lanes, Turn
from mp_mcp.store.locks import LOCK_WAIT_S
from mp_mcp.store.models import TableInfo
from mp_mcp.store.session import timed_out
from mp_mcp.store.translate import translate
from mp_mcp.store.values import Convert, converter, needs_text, text_expression

CHUNK = 256
"""Rows per step while fetching: between two steps the byte limit is looked at."""


@dataclass(frozen=True)
class Limits:
    """What one reader may take. No `max_bytes` means rows only."""

    max_rows: int = 1000
    max_bytes: int | None = 30_000
    timeout_s: float = 30.0
    max_timeout_s: float = 30.0


@dataclass(frozen=True)
class _Page:
    columns: list[str]
    types: list[str]
    rows: list[Row]
    has_more: bool
    is_exact: bool
    holes: str | None = None


class Reader(StoreReader):
    """Reads one database within limits; cheap to make, one per caller."""

    def __init__(
        self,
        database: Database,
        guard: Guard,
        lanes: Lanes,
        names: catalog.NamesCache,
        limits: Limits,
        *,
        covers: CoverageCache,
        seen: catalog.Seen,
        lock_wait_s: float = LOCK_WAIT_S,
        late_days: float = coverage.LATE_DAYS,
    ) -> None:
        self._database = database
        self._guard = guard
        self._lanes = lanes
        self._names = names
        self._covers = covers
        self._limits = limits
        self._seen = seen
        self._lock_wait_s = lock_wait_s
        self._late_days = late_days

    async def query(
        self, sql: str, *, limit: int, offset: int = 0, timeout_s: float | None = None
    ) -> Rows:
        """Run one guarded SELECT and return at most `limit` rows after the first `offset`."""
        limits = self._limits
        rows = max(0, min(limit, limits.max_rows))
        seconds = min(timeout_s or limits.timeout_s, limits.max_timeout_s)
        work = partial(self._read, sql=sql, limit=rows, offset=max(0, offset))
        return _answer(await self._in_turn(work, seconds), max(0, offset), limit)

    async def tables(self) -> list[TableInfo]:
        """Every table that a query can name. It is quick, and never waits for queries."""
        self._seen.tables = await self._database.run(
            partial(catalog.tables, late_days=self._late_days),
            timeout_s=self._limits.max_timeout_s,
            lock_wait_s=self._lock_wait_s,
        )
        return self._seen.tables

    async def _in_turn(self, work: "partial[_Page]", seconds: float) -> _Page:
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        turn = await self._turn(seconds)
        try:
            return await self._database.run(
                work,
                timeout_s=max(deadline - clock(), 0.01),
                lock_wait_s=self._lock_wait_s,
                ended=turn.leave,
            )
        except QueryTimeoutError as error:
            # It names what was left of the limit after waiting for the turn.
            raise timed_out(seconds) from error

    async def _turn(self, seconds: float) -> Turn:
        try:
            async with asyncio.timeout(seconds):
                return await self._lanes.enter()
        except TimeoutError as error:
            raise QueryTimeoutError(
                f"Other queries kept all slots busy for {seconds:g} s.",
                hint="Try again in a moment; mp server status counts the calls that run.",
            ) from error

    # --- in a worker thread

    def _read(self, cursor: Cursor, *, sql: str, limit: int, offset: int) -> _Page:
        generation = self._database.generation
        names: tuple[str, ...] = ()
        holes: str | None = None
        try:
            checked = self._guard.check(sql)
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            if checked.tables:
                known = self._names.get(cursor, generation)
                names = known.listed
                self._guard.check_names(checked, known)
                holes = self._holes(cursor, checked, known, generation)
            page = self._page(cursor, checked, limit, offset)
            return replace(page, holes=holes)
        except duckdb.Error as error:
            raise translate(error, self._database.path, names) from error

    def _holes(
        self, cursor: Cursor, checked: Checked, names: catalog.Names, generation: int
    ) -> str | None:
        """What the tables lack that the query reads."""
        hints = [
            hint_of(
                table,
                self._covers.get(cursor, generation, table),
                checked.touched,
                self._late_days,
            )
            for table in read_tables(checked.tables, names)
        ]
        return " ".join(filter(None, hints)) or None

    def _page(self, cursor: Cursor, checked: Checked, limit: int, offset: int) -> _Page:
        paging = checked.paging
        # One row more than asked for tells whether there are more.
        if paging is not None:
            try:
                cursor.execute(paging.page(limit + 1, offset))
            except (duckdb.BinderException, duckdb.NotSupportedError):
                # The order that we add can fail; if the query is wrong, this says so in its words.
                paging = None
        if paging is None:
            cursor.execute(checked.sql)
            text = checked.sql
        else:
            text = paging.page(limit + 1, offset)
        columns = [str(column[0]) for column in cursor.description or ()]
        kinds = [column[1] for column in cursor.description or ()]
        if any(needs_text(kind) for kind in kinds):
            picked = ", ".join(text_expression(kind, i + 1) for i, kind in enumerate(kinds))
            cursor.execute(f"SELECT {picked} FROM ({text}\n)")  # noqa: S608 - types, not input
        if paging is None:
            _skip(cursor, offset)
        rows = self._fetch(cursor, [converter(kind) for kind in kinds], limit + 1)
        kept = rows[:limit]
        if self._limits.max_bytes is not None:
            kept = bounded(kept, self._limits.max_bytes)
        return _Page(
            columns,
            [str(kind) for kind in kinds],
            kept,
            has_more=len(kept) < len(rows),
            is_exact=paging is not None and paging.is_exact,
        )

    def _fetch(self, cursor: Cursor, converters: list[Convert], wanted: int) -> list[Row]:
        rows: list[Row] = []
        while len(rows) < wanted:
            chunk = cursor.fetchmany(min(CHUNK, wanted - len(rows)))
            if not chunk:
                break
            rows += _converted(chunk, converters)
            if self._is_too_big(rows):
                break
        return rows

    def _is_too_big(self, rows: list[Row]) -> bool:
        limit = self._limits.max_bytes
        return limit is not None and len(bounded(rows, limit)) < len(rows)


def _converted(rows: list[tuple[object, ...]], converters: list[Convert]) -> Iterator[Row]:
    for row in rows:
        yield [convert(value) for convert, value in zip(converters, row, strict=True)]


def _skip(cursor: Cursor, rows: int) -> None:
    while rows > 0:
        skipped = len(cursor.fetchmany(min(rows, 10_000)))
        if not skipped:
            return
        rows -= skipped


def _answer(page: _Page, offset: int, limit: int) -> Rows:
    return Rows(
        columns=page.columns,
        types=page.types,
        rows=page.rows,
        row_count=len(page.rows),
        truncated=page.has_more,
        hint=" ".join(filter(None, (_next_page(page, offset, limit), page.holes))) or None,
    )


def _next_page(page: _Page, offset: int, limit: int) -> str | None:
    if not page.has_more:
        return None
    following = offset + len(page.rows)
    order = "" if page.is_exact else " (with an ORDER BY on a unique column, or rows may repeat)"
    return (
        f"There are more rows. Next page: query_sql with the same sql, limit={limit}, "
        f"offset={following}{order}. Or aggregate, or select fewer columns."
    )
