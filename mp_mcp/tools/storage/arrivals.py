"""Arrivals: exported files between those who download and those who load.

Never reads a file: it hands out neighbouring windows, as many as one load should take.
"""

from datetime import date, timedelta

import anyio

from mp_mcp.mixpanel.models import ExportedFile

LOAD_BYTES = 20_000_000
"""Compressed size of a load, some 180,000 events: larger ones gain nothing but memory."""


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
        while not self._waiting:
            if not self._downloading:
                return []
            await self._changed.wait()
        # A share for every loader: the last files must not all go to one of them.
        limit = min(LOAD_BYTES, sum(file.bytes for file in self._waiting.values()) / self._loaders)
        following = min(self._waiting)
        batch: list[ExportedFile] = []
        size = 0
        while (exported := self._waiting.get(following)) is not None:
            size += exported.bytes
            if batch and size > limit:
                break
            batch.append(self._waiting.pop(following))
            following = exported.window.last + timedelta(1)
        return batch

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
