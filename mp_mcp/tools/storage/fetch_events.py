"""The tool fetch_events. Never reads an event in Python: files go from Mixpanel to the loader."""

from pathlib import Path

import anyio
from pydantic import Field

from mp_mcp.errors import IncompleteExportError, MpError, UsageError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.mixpanel.windows import Windows
from mp_mcp.progress import Progress
from mp_mcp.results import Result
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import LoadReport
from mp_mcp.tool import tool
from mp_mcp.tools.params import Events, FromDate, Table, ToDate, Where


class Fetched(Result):
    """What a fetch brought."""

    table: str
    from_date: str
    to_date: str
    days: int
    rows: int = Field(description="rows of these days, now in the table")
    duplicates: int = Field(default=0, description="rows dropped as duplicates")
    malformed: int = Field(default=0, description="lines that were no events")
    clamped: int = Field(default=0, description="rows moved to the nearest of these days")
    reject_files: list[str] = Field(
        default_factory=list, description="where malformed lines are kept"
    )
    new_columns: list[str] = Field(
        default_factory=list, description="properties that became a column by this fetch"
    )


WINDOWS_AT_ONCE = 3
"""Mixpanel allows three export requests a second; more would wait for the loader anyway."""

ATTEMPTS = 3


@tool
async def fetch_events(
    mixpanel: Mixpanel,
    store: StoreWriter,
    progress: Progress,
    table: Table = "events",
    *,
    from_date: FromDate,
    to_date: ToDate,
    events: Events = (),
    where: Where = None,
) -> Fetched:
    """Download the raw events of these days from Mixpanel into a local table for query_sql.

    Days that are fetched again are replaced, so it is safe to repeat. Use it once per date range,
    then ask anything in SQL at no cost. A table keeps one `where`; use another table name for
    another filter. Each window of days costs one of the project's 60 exports per hour.
    Example: from_date="2025-01-01", to_date="2025-01-31".
    """
    if to_date < from_date:
        raise UsageError("to_date is before from_date.", hint="Swap the two dates.")
    # Write access first: a foreign lock must not cost export budget.
    await store.ready()
    days = (to_date - from_date).days + 1
    windows = Windows(from_date, to_date, at_once=WINDOWS_AT_ONCE)
    fetch = _Fetch(mixpanel, store, progress, table, events, where, windows, days)
    async with store.spool() as folder, anyio.create_task_group() as tasks:
        for _ in range(WINDOWS_AT_ONCE):
            tasks.start_soon(fetch.work, folder)
    return Fetched(
        table=table,
        from_date=from_date.isoformat(),
        to_date=to_date.isoformat(),
        days=days,
        rows=sum(report.rows for report in fetch.reports),
        duplicates=sum(report.duplicates for report in fetch.reports),
        malformed=sum(report.malformed for report in fetch.reports),
        clamped=sum(report.clamped for report in fetch.reports),
        new_columns=sorted({name for report in fetch.reports for name in report.new_columns}),
        reject_files=[report.reject_file for report in fetch.reports if report.reject_file],
    )


class _Fetch:
    """One fetch: its windows are downloaded and loaded side by side, each in one transaction."""

    def __init__(
        self,
        mixpanel: Mixpanel,
        store: StoreWriter,
        progress: Progress,
        table: str,
        events: tuple[str, ...],
        where: str | None,
        windows: Windows,
        days: int,
    ) -> None:
        self._mixpanel = mixpanel
        self._store = store
        self._progress = progress
        self._table = table
        self._events = events
        self._where = where
        self._windows = windows
        self._days = days
        self._done_days = 0
        self._bytes = 0
        self.reports: list[LoadReport] = []

    async def work(self, folder: Path) -> None:
        """Download and load windows while there are some; an error says what is safe already."""
        while (window := self._windows.take()) is not None:
            try:
                await self._until_complete(folder, window)
            except MpError as error:
                kept = f"{self._done_days} of {self._days} days are loaded and stay"
                error.hint = f"{error.hint or ''} {kept}; the same fetch gets the rest.".strip()
                raise
            self._done_days += (window.last - window.first).days + 1
            await self._tell()

    async def _until_complete(self, folder: Path, window: Window) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            exported = await self._export(folder, window)
            try:
                self.reports.append(await self._load(exported, window))
            except IncompleteExportError:
                # What a download can see it repeats itself; this one only the loader saw.
                if attempt == ATTEMPTS:
                    raise
            else:
                return

    async def _export(self, folder: Path, window: Window) -> ExportedFile:
        exported = await self._mixpanel.export(
            folder, window, events=self._events, where=self._where, on_bytes=self._count
        )
        self._windows.weigh(exported)
        await self._tell()
        return exported

    async def _load(self, exported: ExportedFile, window: Window) -> LoadReport:
        report = await self._store.load_events(
            self._table,
            [exported.path],
            days=(window.first, window.last),
            events=self._events,
            where=self._where,
        )
        exported.path.unlink(missing_ok=True)
        return report

    def _count(self, received: int) -> None:
        self._bytes += received

    async def _tell(self) -> None:
        rows = sum(report.rows for report in self.reports)
        await self._progress(
            self._done_days,
            self._days,
            f"{self._done_days} of {self._days} days, {rows:,} events, {self._bytes / 1e6:.1f} MB",
        )
