"""Profiles as lines that the loader reads: gzipped NDJSON, a few files of moderate size.

Never looks into properties: their text passes through. Everything here blocks and belongs into a
worker thread. A line is {"event": distinct id, "nth": place in the crawl, "properties": object};
the higher place is the later answer.
"""

import gzip
import json
from pathlib import Path

from mp_mcp.mixpanel.engage import ProfilePage

FILE_BYTES = 64_000_000
"""Lines of one file, before compression: several files are read in parallel."""

_PLACES_OF_A_PAGE = 1_000_000


class ProfileSpool:
    """The files of one crawl; pages may come in any order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: gzip.GzipFile | None = None
        self._left = 0
        self.files: list[Path] = []

    def write(self, page: ProfilePage) -> None:
        """Append a page."""
        first = page.number * _PLACES_OF_A_PAGE
        lines = "".join(
            f'{{"event":{json.dumps(profile.distinct_id)},"nth":{place},'
            f'"properties":{profile.properties}}}\n'
            for place, profile in enumerate(page.profiles, first)
        ).encode()
        if self._left <= 0:
            self._begin()
        if self._file is not None:
            self._file.write(lines)
        self._left -= len(lines)

    def close(self) -> None:
        """Finish the last file. Idempotent."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._left = 0

    def _begin(self) -> None:
        self.close()
        path = self._folder / f"profiles-{len(self.files)}.ndjson.gz"
        # The fastest level: it spares most of the disk, and costs less than the page's JSON.
        self._file = gzip.GzipFile(path, "wb", compresslevel=1)
        self.files.append(path)
        self._left = FILE_BYTES
