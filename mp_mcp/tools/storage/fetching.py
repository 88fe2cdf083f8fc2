"""Fetching: windows are downloaded side by side, and loaded in order by one loader.

Never reads an event, and never keeps more on disk than the loader will take next. One load of
several files is faster than several loads: DuckDB reads the files in parallel, and writes in larger
groups.
"""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import anyio

from mp_mcp.errors import IncompleteExportError, MpError
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.export import export_window
from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.mixpanel.windows import Windows
from mp_mcp.progress import Progress
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import LoadReport

DOWNLOADS_AT_ONCE = 3
"""Mixpanel allows three export requests a second."""

WAITING_AT_MOST = 6
"""Windows that are downloaded or on their way; more would only fill the disk."""

LOAD_BYTES = 20_000_000
"""Compressed size of a load, some 180,000 events: larger ones gain nothing but memory."""

ATTEMPTS = 3


class Fetching:
    """One fetch of a range of days into a table."""

    def __init__(
        self,
        mixpanel: MixpanelExport,
        store: StoreWriter,
        progress: Progress,
        table: str,
        days: tuple[date, date],
        *,
        events: tuple[str, ...],
        where: str | None,
    ) -> None:
        self._mixpanel = mixpanel
        self._store = store
        self._progress = progress
        self._table = table
        self._events = events
        self._where = where
        self._first, self._last = days
        self._days = (self._last - self._first).days + 1
        self._windows = Windows(*days, at_once=DOWNLOADS_AT_ONCE)
        self._places = anyio.Semaphore(WAITING_AT_MOST)
        self._arrived: dict[date, ExportedFile] = {}
        self._arrival = anyio.Event()
        self._done_days = 0
        self._bytes = 0
        self.reports: list[LoadReport] = []

    async def run(self) -> None:
        """Download and load everything; an error says what is safe already."""
        try:
            async with self._store.spool() as folder, anyio.create_task_group() as tasks:
                for _ in range(DOWNLOADS_AT_ONCE):
                    tasks.start_soon(self._download, folder)
                async for batch in self._batches():
                    await self._load(batch, folder)
        except* MpError as group:
            kept = f"{self._done_days} of {self._days} days are loaded and stay"
            for error in group.exceptions:
                if isinstance(error, MpError):
                    error.hint = f"{error.hint or ''} {kept}; the same fetch gets the rest.".strip()
            raise

    async def _download(self, folder: Path) -> None:
        while True:
            await self._places.acquire()
            window = self._windows.take()
            if window is None:
                self._places.release()
                return
            self._arrived[window.first] = await self._export(window, folder)
            self._arrival.set()

    async def _export(self, window: Window, folder: Path) -> ExportedFile:
        exported = await export_window(
            self._mixpanel.transport,
            folder,
            window,
            events=self._events,
            where=self._where,
            on_bytes=self._count,
        )
        self._windows.weigh(exported)
        await self._tell()
        return exported

    async def _batches(self) -> AsyncIterator[list[ExportedFile]]:
        """What has arrived, in the order of the days, as much as one load should take."""
        following = self._first
        while following <= self._last:
            batch: list[ExportedFile] = []
            size = 0
            while (exported := self._arrived.get(following)) is not None:
                size += exported.bytes
                if batch and size > LOAD_BYTES:
                    break
                batch.append(self._arrived.pop(following))
                following = exported.window.last + timedelta(1)
            if batch:
                yield batch
            else:
                self._arrival = anyio.Event()
                await self._arrival.wait()

    async def _load(self, batch: list[ExportedFile], folder: Path) -> None:
        try:
            await self._load_together(batch)
        except IncompleteExportError:
            # What a download can see it repeats itself; this only the loader saw. Which file?
            for exported in batch:
                await self._load_alone(exported, folder, tries=1 if len(batch) == 1 else 0)
        for exported in batch:
            exported.path.unlink(missing_ok=True)
            self._places.release()

    async def _load_alone(self, exported: ExportedFile, folder: Path, *, tries: int) -> None:
        """Load one window, with a new export of it after each try."""
        while True:
            if tries:
                exported = await self._export(exported.window, folder)
            try:
                await self._load_together([exported])
            except IncompleteExportError:
                tries += 1
                if tries == ATTEMPTS:
                    raise
            else:
                return

    async def _load_together(self, batch: list[ExportedFile]) -> None:
        days = batch[0].window.first, batch[-1].window.last
        report = await self._store.load_events(
            self._table,
            [exported.path for exported in batch],
            days=days,
            events=self._events,
            where=self._where,
        )
        self.reports.append(report)
        self._done_days += (days[1] - days[0]).days + 1
        await self._tell()

    def _count(self, received: int) -> None:
        self._bytes += received

    async def _tell(self) -> None:
        rows = sum(report.rows for report in self.reports)
        await self._progress(
            self._done_days,
            self._days,
            f"{self._done_days} of {self._days} days, {rows:,} events, {self._bytes / 1e6:.1f} MB",
        )
