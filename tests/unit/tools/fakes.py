"""Handles that tools are called with in unit tests: they answer from a script and remember.

Never open a file outside the folder that a test gives them, never reach the network.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from mp_mcp.progress import Progress
from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader, StoreWriter
from mp_mcp.store.models import LoadReport, TableInfo


class FakeReader(StoreReader):
    """Answers what it was given."""

    def __init__(self, answer: Rows | None = None, tables: Sequence[TableInfo] = ()) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answer = answer or Rows(columns=[], rows=[], row_count=0)
        self._tables = list(tables)

    async def query(
        self, sql: str, *, limit: int, offset: int = 0, timeout_s: float | None = None
    ) -> Rows:
        """The answer."""
        self.asked.append((sql, {"limit": limit, "offset": offset, "timeout_s": timeout_s}))
        return self._answer

    async def tables(self) -> list[TableInfo]:
        """The tables."""
        return self._tables


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
        """Those that the test calls missing; all of them, unless it says so."""
        self.planned.append({"table": table, "days": days, "since": since, **more})
        if since is None:
            await self.ready()
        length = (days[1] - days[0]).days + 1
        every = [days[0] + timedelta(number) for number in range(length)]
        return every if self.missing is None else [day for day in every if day in self.missing]

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


class HeardProgress(Progress):
    """Remembers what a tool says."""

    def __init__(self) -> None:
        super().__init__(self._hear)
        self.notes: list[tuple[float, float | None, str | None]] = []

    async def _hear(self, done: float, total: float | None, message: str | None) -> None:
        self.notes.append((done, total, message))
