"""Arrivals: exported files between those who download and those who load.

Never reads a file: it hands out neighbouring windows, as many as one load should take.
"""

from datetime import date, timedelta

import anyio

from mp_mcp.mixpanel.models import ExportedFile

LOAD_BYTES = 20_000_000
"""Compressed size of a load, some 180,000 events: larger ones gain nothing but memory."""

GOOD_LOAD_BYTES = 12_000_000
"""From here on loads are cheap: DuckDB writes fewer than 122,880 rows twice, to its log first."""


class Arrivals:
    """Files that wait for a loader, by their first day."""

    def __init__(self, *, downloaders: int, loaders: int) -> None:
        self._downloading = downloaders
        self._loaders = loaders
        self._waiting: dict[date, ExportedFile] = {}
        self._changed = anyio.Event()

    def add(self, exported: ExportedFile) -> None:
        """A file is complete."""
        self._waiting[exported.window.first] = exported
        self._tell()

    def downloader_is_done(self) -> None:
        """One of those who download has nothing left to do."""
        self._downloading -= 1
        self._tell()

    async def next_batch(self) -> list[ExportedFile]:
        """Neighbouring windows in order; empty when there will be no more."""
        while self._downloading and self._is_small():
            await self._changed.wait()
        limit = self._limit()
        following = min(self._waiting, default=date.min)
        batch: list[ExportedFile] = []
        size = 0
        while (exported := self._waiting.get(following)) is not None:
            size += exported.bytes
            is_good = size - exported.bytes >= GOOD_LOAD_BYTES
            if batch and size > (limit if is_good else LOAD_BYTES):
                break
            batch.append(self._waiting.pop(following))
            following = exported.window.last + timedelta(1)
        return batch

    def _is_small(self) -> bool:
        """Nothing, or one small file that should wait for a second one.

        It never waits for more: the files that wait keep others from being downloaded.
        """
        return len(self._waiting) < 2 and self._bytes() < GOOD_LOAD_BYTES

    def _limit(self) -> float:
        if self._downloading:
            return LOAD_BYTES
        # A share for every loader: the last files must not all go to one of them.
        return min(LOAD_BYTES, max(GOOD_LOAD_BYTES, self._bytes() / self._loaders))

    def _bytes(self) -> int:
        return sum(file.bytes for file in self._waiting.values())

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
