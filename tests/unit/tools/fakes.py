"""Handles that tools are called with in unit tests: they answer from a script and remember.

Never open a file outside the folder that a test gives them, never reach the network.
"""

import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from mp_mcp.progress import Progress
from mp_mcp.results import Row, Rows
from mp_mcp.store.handles import StoreReader, StoreWriter
from mp_mcp.store.models import (
    ColumnReport,
    DroppedTable,
    Format,
    LoadReport,
    ProfileChoice,
    ProfilesReport,
    SavedTable,
    SpooledFile,
    TableInfo,
)


class FakeReader(StoreReader):
    """Answers what it was given, and keeps what it was asked."""

    def __init__(
        self,
        answer: Rows | None = None,
        tables: Sequence[TableInfo] = (),
        file: SpooledFile | None = None,
    ) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answer = answer or Rows(columns=[], rows=[], row_count=0)
        self._tables = list(tables)
        self._file = file or SpooledFile(path="/spool/export-1/answer", bytes=0)

    async def query(self, sql: str, **wishes: Any) -> Rows:
        """The answer."""
        self.asked.append((sql, wishes))
        return self._answer

    async def tables(self) -> list[TableInfo]:
        """The tables."""
        return self._tables

    async def schema(self, table: str) -> Rows:
        """The answer."""
        return await self.query(table)

    async def describe(self, table: str) -> Rows:
        """The answer."""
        return await self.query(table)

    async def sample(self, table: str, rows: int) -> Rows:
        """The answer."""
        return await self.query(table, rows=rows)

    async def column(self, table: str, column: str, *, top: int) -> ColumnReport:
        """A report on nothing."""
        self.asked.append((table, {"column": column, "top": top}))
        return ColumnReport(
            table=table, column=column, sql=column, types={}, rows=0, nulls=0, distinct=0, top=[]
        )

    async def export(self, sql: str, form: Format, **wishes: Any) -> SpooledFile:
        """The file."""
        self.asked.append((sql, {"form": form, **wishes}))
        return self._file

    async def snapshot(self) -> SpooledFile:
        """The file."""
        return self._file


class FakeWriter(StoreWriter):
    """Keeps what it was asked to load; `refusal` is what `ready` raises."""

    def __init__(
        self,
        folder: Path,
        *,
        refusal: Exception | None = None,
        on_load: Callable[..., LoadReport | Exception] | None = None,
    ) -> None:
        self.events: list[str] = []
        self.loads: list[dict[str, Any]] = []
        self.planned: list[dict[str, Any]] = []
        self.missing: set[date] | None = None
        self.forgets = False
        """As if others dropped the table after each load."""
        self._folder = folder
        self._refusal = refusal
        self._on_load = on_load or (lambda **_: LoadReport(rows=10))

    async def ready(self) -> None:
        """Write access, unless refused."""
        self.events.append("ready")
        if self._refusal is not None:
            raise self._refusal

    async def days_to_fetch(
        self, table: str, days: tuple[date, date], *, since: datetime | None = None, **more: Any
    ) -> list[date]:
        """Those that the test calls missing, or all of them, but for what was loaded since."""
        self.planned.append({"table": table, "days": days, "since": since, **more})
        if since is None:
            await self.ready()
        length = (days[1] - days[0]).days + 1
        every = [days[0] + timedelta(number) for number in range(length)]
        if since is not None and not self.forgets:
            loaded = [load["days"] for load in self.loads]
            every = [day for day in every if not any(a <= day <= b for a, b in loaded)]
        return every if self.missing is None else [day for day in every if day in self.missing]

    async def show_utc(self, table: str, zone: str) -> None:
        """Noted."""
        self.events.append(f"show_utc {table} {zone}")

    async def count_rows(
        self, table: str, days: tuple[date, date], *, events: tuple[str, ...] = ()
    ) -> int:
        """All that was loaded, whatever the script called it."""
        self.counted = (table, days, events)
        return sum(load["rows"] for load in self.loads)

    def spool(self) -> AbstractAsyncContextManager[Path]:
        """The test's folder."""
        return self._spool()

    @asynccontextmanager
    async def _spool(self) -> AsyncIterator[Path]:
        self.events.append("spool opened")
        try:
            yield self._folder
        finally:
            self.events.append("spool closed")

    async def load_events(
        self,
        table: str,
        files: Sequence[Path],
        *,
        days: tuple[date, date] | None,
        events: tuple[str, ...] = (),
        where: str | None = None,
        fetched_at: datetime | None = None,
        replace: bool = False,
    ) -> LoadReport:
        """What the script answers."""
        assert all(path.parent == self._folder and path.exists() for path in files)
        load = {"table": table, "files": list(files), "days": days, "events": events}
        self.loads.append({**load, "where": where, "replace": replace, "at": fetched_at})
        self.events.append("load")
        found = self._on_load(**load)
        self.loads[-1]["rows"] = 0 if isinstance(found, Exception) else found.rows
        if isinstance(found, Exception):
            raise found
        return found

    async def save(self, table: str, sql: str, **wishes: Any) -> SavedTable:
        """A table of ten rows."""
        self.events.append(f"save {table} {sql} {wishes}")
        return SavedTable(table=table, rows=10, columns=1)

    async def keep_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row]
    ) -> SavedTable:
        """As many rows."""
        self.events.append(f"keep {table}")
        if self._refusal is not None:
            raise self._refusal
        return SavedTable(table=table, rows=len(rows), columns=len(columns))

    async def drop(self, tables: Sequence[str]) -> list[DroppedTable]:
        """Gone."""
        self.events.append(f"drop {' '.join(tables)}")
        return [DroppedTable(name=table, kind="events") for table in tables]

    async def require_profiles(
        self, table: str, choice: ProfileChoice, *, replace: bool = False
    ) -> None:
        """Write access, unless refused."""
        self.events.append(f"require {table} {choice.where} {replace}")
        if self._refusal is not None:
            raise self._refusal

    async def load_profiles(
        self, table: str, files: Sequence[Path], choice: ProfileChoice, *, replace: bool = False
    ) -> ProfilesReport:
        """One new profile per line."""
        text = b"".join(gzip.decompress(path.read_bytes()) for path in files).decode()
        lines = text.splitlines()
        load = {"table": table, "lines": sorted(lines), "choice": choice, "replace": replace}
        self.loads.append(load)
        self.events.append("load")
        return ProfilesReport(rows=len(lines), new=len(lines))


class HeardProgress(Progress):
    """Remembers what a tool says."""

    def __init__(self) -> None:
        super().__init__(self._hear)
        self.notes: list[tuple[float, float | None, str | None]] = []

    async def _hear(self, done: float, total: float | None, message: str | None) -> None:
        self.notes.append((done, total, message))
