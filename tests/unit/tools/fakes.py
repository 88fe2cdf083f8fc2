"""Handles that tools are called with in unit tests: they answer from a script and remember.

Never open a file outside the folder that a test gives them, never reach the network.
"""

import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from mp_mcp.progress import Progress
from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader, StoreWriter
from mp_mcp.store.models import LoadReport, ProfileChoice, ProfilesReport, TableInfo


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
        self._folder = folder
        self._refusal = refusal
        self._on_load = on_load or (lambda **_: LoadReport(rows=10))

    async def ready(self) -> None:
        """Write access, unless refused."""
        self.events.append("ready")
        if self._refusal is not None:
            raise self._refusal

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
    ) -> LoadReport:
        """What the script answers."""
        assert all(path.parent == self._folder and path.exists() for path in files)
        load = {"table": table, "files": list(files), "days": days, "events": events}
        self.loads.append({**load, "where": where})
        self.events.append("load")
        found = self._on_load(**load)
        if isinstance(found, Exception):
            raise found
        return found

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
