"""Fetching: windows are downloaded side by side, and loaded by two loaders as they arrive.

Never reads an event, and never keeps more on disk than the loaders will take next. One load of
several files is faster than several loads; two loads at once keep both the disk and the processor
busy.
"""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import anyio

from mp_mcp.errors import FutureDayError, IncompleteExportError, MpError, StoreError
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.export import export_window
from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.mixpanel.windows import Windows, affordable
from mp_mcp.progress import Progress
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import LoadReport
from mp_mcp.tools.storage.arrivals import Arrivals
from mp_mcp.tools.storage.asked import Asked

LOADERS = 2

WAITING_AT_MOST = 6
"""Windows that are downloaded or on their way; more would only fill the disk."""

ATTEMPTS = 3

SHOWN_AFTER_S = 1.0
"""A rate is worth saying after a second."""


class Fetching:
    """One fetch of some days into a table."""

    def __init__(
        self,
        mixpanel: MixpanelExport,
        store: StoreWriter,
        progress: Progress,
        asked: Asked,
        days: Sequence[date],
    ) -> None:
        self._mixpanel = mixpanel
        self._store = store
        self._progress = progress
        self._asked = asked
        first, last = asked.days
        self._days = (last - first).days + 1
        self._complete_before = self._days - len(days)
        self._plan(days)
        self._started = time.monotonic()
        self._since = datetime.now(UTC).replace(tzinfo=None)
        self._bytes = 0
        self.reports: list[LoadReport] = []
        self.not_yet: date | None = None
        """A day that has not begun where the project lives."""
        self.days_loaded = 0

    def _plan(self, days: Sequence[date]) -> None:
        self._done_days = self._days - len(days)
        most = affordable(self._mixpanel.exports_left())
        self._windows = Windows(days, at_once=self._asked.workers, most=most)
        self._places = anyio.Semaphore(WAITING_AT_MOST)
        self._arrivals = Arrivals(downloaders=self._asked.workers, loaders=LOADERS)

    async def run(self) -> None:
        """Download and load everything; an error says what is safe already."""
        for _ in range(ATTEMPTS):
            await self._run()
            dropped = await self._dropped()
            if not dropped:
                return
            self._plan(dropped)
        raise StoreError(
            f"Somebody drops the table {self._asked.table}, or makes it anew, again and again.",
            hint="inspect_jobs shows who; fetch again when that has ended.",
        )

    async def _dropped(self) -> list[date]:
        """Days that others have removed meanwhile: `drop_table`, or a fetch that replaces."""
        wanted = self._asked.days_wanted()
        missing = await self._store.days_to_fetch(**wanted, since=self._since)
        return [day for day in missing if self.not_yet is None or day < self.not_yet]

    async def _run(self) -> None:
        try:
            async with self._store.spool() as folder, anyio.create_task_group() as tasks:
                await self._tell()
                for _ in range(self._asked.workers):
                    tasks.start_soon(self._download, folder)
                for _ in range(LOADERS):
                    tasks.start_soon(self._load, folder)
        except* MpError as group:
            for error in group.exceptions:
                if isinstance(error, MpError):
                    error.hint = f"{error.hint or ''} {self._kept()}".strip()
            raise
        finally:
            await self._tell(is_over=True)

    def _kept(self) -> str:
        if not self._done_days:
            return "Nothing was loaded."
        done = f"{self._done_days} of {self._days} days are complete and stay"
        return f"{done}; the same fetch gets the rest."

    async def _download(self, folder: Path) -> None:
        while True:
            await self._places.acquire()
            window = self._windows.take()
            if window is None:
                self._places.release()
                self._arrivals.downloader_is_done()
                return
            exported = await self._exported(window, folder)
            if exported is None:
                self._places.release()
            else:
                self._arrivals.add(exported)

    async def _exported(self, window: Window, folder: Path) -> ExportedFile | None:
        """The file, or None when nothing of the window has to be fetched any more."""
        if await self._is_here(window):
            self._done_days += window.days
            await self._tell()
            return None
        try:
            return await self._export(window, folder)
        except FutureDayError:
            # West of UTC the project's today may be yesterday.
            if window.last < self._since.date():
                raise
        self.not_yet = window.last
        self._done_days += 1
        if window.days == 1:
            return None
        return await self._export(Window(window.first, window.last - timedelta(1)), folder)

    async def _is_here(self, window: Window) -> bool:
        """Whether another fetch brought these days meanwhile."""
        if self._asked.replace:
            return False
        wanted = self._asked.days_wanted() | {"days": (window.first, window.last)}
        missing = await self._store.days_to_fetch(**wanted, since=self._since)
        return not missing

    async def _export(self, window: Window, folder: Path) -> ExportedFile:
        exported = await export_window(
            self._mixpanel.transport,
            folder,
            window,
            events=self._asked.events,
            where=self._asked.where,
            on_bytes=self._count,
        )
        self._windows.weigh(exported)
        await self._tell()
        return exported

    async def _load(self, folder: Path) -> None:
        while batch := await self._arrivals.next_batch():
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
            self._asked.table,
            [exported.path for exported in batch],
            days=days,
            events=self._asked.events,
            where=self._asked.where,
            fetched_at=min(exported.asked_at for exported in batch),
            replace=self._asked.replace,
        )
        self.reports.append(report)
        loaded = (days[1] - days[0]).days + 1
        self.days_loaded += loaded
        self._done_days += loaded
        await self._tell()

    def _count(self, received: int) -> None:
        self._bytes += received

    async def _tell(self, *, is_over: bool = False) -> None:
        rows = sum(report.rows for report in self.reports)
        # Complete days between missing ones may have been fetched as well.
        done = min(self._done_days, self._days)
        told = [f"{done} of {self._days} days", f"{rows:,} events", f"{self._bytes / 1e6:.1f} MB"]
        elapsed = time.monotonic() - self._started
        if elapsed > SHOWN_AFTER_S and rows:
            told.append(f"{rows / elapsed:,.0f}/s")
            fetched = done - self._complete_before
            if done < self._days and fetched > 0 and not is_over:
                told.append(f"{elapsed / fetched * (self._days - done):.0f} s left")
        await self._progress(done, self._days, ", ".join(told))
