"""A file that an export is written to untouched, and what its ending says about completeness.

Never looks at single events: only the last lines, and the checksum of gzip, tell about cuts.
Everything here blocks and belongs into a worker thread.
"""

import json
import zlib
from pathlib import Path

from isal import isal_zlib

from mp_mcp.errors import IncompleteExportError

TAIL_BYTES = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_INFLATED_AT_ONCE = 1 << 20
_MOST_FRAGMENTS = 20
"""A record broken up by line separators inside its strings has at most a few pieces."""


def is_trailer(line: bytes) -> bool:
    """Whether a line says that the export ended early, instead of being an event."""
    stripped = line.strip()
    if not stripped.startswith(b"{"):
        return b"terminated early" in stripped.lower()
    if stripped.startswith(b'{"event"'):
        return False
    record = _parsed(stripped)
    return isinstance(record, dict) and "event" not in record and "error" in record


class SpoolFile:
    """Bytes of one export under way. They keep a temporary name until `keep` found no cut."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._part = folder / f"{name}.part"
        self._file = self._part.open("wb")
        self._inflated: _Inflated | None = None
        self._tail = b""
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Append bytes as they came. Raises: IncompleteExportError when gzip is damaged."""
        # The bytes decide, not the header: a proxy may have unpacked them.
        if self.size == 0 and piece.startswith(_GZIP_MAGIC):
            self._inflated = _Inflated()
        self._file.write(piece)
        self.size += len(piece)
        if self._inflated is None:
            self._tail = (self._tail + piece[-TAIL_BYTES:])[-TAIL_BYTES:]
        else:
            self._inflated.feed(piece)

    def keep(self) -> Path:
        """Finish: the file under its own name, which tells whether it is gzip.

        Raises: IncompleteExportError when the ending shows a cut.
        """
        self._file.close()
        tail, suffix = self._tail, "ndjson"
        if self._inflated is not None:
            self._inflated.require_end()
            tail, suffix = self._inflated.tail, "ndjson.gz"
        require_complete(tail)
        return self._part.replace(self._folder / f"{self._name}.{suffix}")

    def discard(self) -> None:
        """Remove what is there; nothing to do after `keep`."""
        self._file.close()
        self._part.unlink(missing_ok=True)


class _Inflated:
    """The end of a gzip stream's content, in bounded memory; several members are one stream.

    isal takes half the time of zlib, which was 8 % of a whole fetch.
    """

    def __init__(self) -> None:
        self._member = _member()
        self.tail = b""

    def feed(self, piece: bytes) -> None:
        try:
            while piece:
                if self._member.eof:
                    self._member = _member()
                inflated = self._member.decompress(piece, _INFLATED_AT_ONCE)
                self.tail = (self.tail + inflated[-TAIL_BYTES:])[-TAIL_BYTES:]
                piece = self._member.unconsumed_tail or self._member.unused_data
        except isal_zlib.error as error:  # type: ignore[misc] # its stub has an instance
            raise IncompleteExportError("The export's gzip stream is damaged.") from error

    def require_end(self) -> None:
        # A bounded decompress may have kept back output whose input it had taken already.
        self.tail = (self.tail + self._member.flush())[-TAIL_BYTES:]
        if not self._member.eof:
            raise IncompleteExportError("The export's gzip stream ends early.")


def _member() -> isal_zlib.Decompress:
    return isal_zlib.decompressobj(zlib.MAX_WBITS | 16)


def require_complete(tail: bytes) -> None:
    """Look at the last bytes of an export's content. Raises: IncompleteExportError on a cut."""
    first, *rest = tail.split(b"\n")
    # The beginning of the first line may lie before the tail.
    lines = [line for line in (first if len(tail) < TAIL_BYTES else b"", *rest) if line.strip()]
    if any(is_trailer(line) for line in lines):
        raise IncompleteExportError("Mixpanel ended the export early.")
    if tail and not tail.endswith(b"\n") and not _ends_with_record(lines or [tail]):
        raise IncompleteExportError("The export ends in the middle of an event.")


def _ends_with_record(lines: list[bytes]) -> bool:
    fragments = lines[-_MOST_FRAGMENTS:]
    if len(fragments[-1]) == TAIL_BYTES:
        return fragments[-1].endswith(b"}")  # too long to see where it begins
    return any(
        isinstance(_parsed(b"".join(fragments[start:])), dict) for start in range(len(fragments))
    )


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
