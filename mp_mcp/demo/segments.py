"""Compressed pieces that join into one gzip stream without being compressed again.

Never makes a stream of several gzip members: common HTTP clients read only the first one.

A segment is raw deflate data that ends on a byte boundary, with the checksum and the length of its
text. A gzip stream is a header, any number of segments, a final empty block and the checksum of the
whole text, which follows from the checksums and lengths of the parts.
"""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 256 * 1024
LEVEL = 1
"""Fastest compression: the data is made to be served at once, not to be kept."""

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_FINAL_BLOCK = b"\x03\x00"
_TRAILER = struct.Struct("<IQQ")


@dataclass(frozen=True)
class Segment:
    """One compressed piece in a file."""

    path: Path
    crc: int
    length: int
    lines: int

    def compressed(self) -> Iterator[bytes]:
        """The raw deflate data, in chunks."""
        left = self.path.stat().st_size - _TRAILER.size
        with self.path.open("rb") as file:
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def text(self) -> Iterator[bytes]:
        """The uncompressed text, in chunks."""
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        for chunk in self.compressed():
            if text := inflate.decompress(chunk):
                yield text


class SegmentWriter:
    """Compresses lines into a file, which appears under its name when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Two processes may make the same file at once: the last rename wins, with equal content.
        self._partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        self._file = self._partial.open("wb")
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._pending: list[bytes] = []
        self._crc = self._length = self._lines = 0

    def write(self, line: bytes) -> None:
        """Add one line."""
        self._pending.append(line)
        self._lines += 1
        if len(self._pending) >= 500:
            self._flush()

    def close(self) -> Segment:
        """End the segment and give it its name."""
        self._flush()
        self._file.write(self._deflate.flush(zlib.Z_FULL_FLUSH))
        self._file.write(_TRAILER.pack(self._crc, self._length, self._lines))
        self._file.close()
        self._partial.replace(self._path)
        return Segment(self._path, self._crc, self._length, self._lines)

    def abandon(self) -> None:
        """Leave no trace of an unfinished segment."""
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def _flush(self) -> None:
        text = b"".join(self._pending)
        self._pending.clear()
        self._crc = zlib.crc32(text, self._crc)
        self._length += len(text)
        self._file.write(self._deflate.compress(text))


def open_segment(path: Path) -> Segment:
    """A segment that was written before."""
    with path.open("rb") as file:
        file.seek(-_TRAILER.size, 2)
        crc, length, lines = _TRAILER.unpack(file.read(_TRAILER.size))
    return Segment(path, crc, length, lines)


def gzip_stream(segments: Iterable[Segment]) -> Iterator[bytes]:
    """One valid gzip stream of all segments."""
    crc = length = 0
    yield _GZIP_HEADER
    for segment in segments:
        yield from segment.compressed()
        crc = combined_crc(crc, segment.crc, segment.length)
        length += segment.length
    yield _FINAL_BLOCK + struct.pack("<II", crc, length & 0xFFFFFFFF)


def plain_stream(segments: Iterable[Segment]) -> Iterator[bytes]:
    """The text of all segments."""
    for segment in segments:
        yield from segment.text()


def gzip_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip stream of text that was not compressed before."""
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for chunk in chunks:
        if data := deflate.compress(chunk):
            yield data
    yield deflate.flush()


def combined_crc(first: int, second: int, second_length: int) -> int:
    """The CRC-32 of two texts after one another (as zlib's `crc32_combine`).

    Appending a zero bit is a linear map of the checksum, so appending `second_length` zero bytes
    is that map squared again and again.
    """
    zeros = [0xEDB88320, *(1 << bit for bit in range(31))]
    for _ in range(3):
        zeros = _squared(zeros)
    while second_length:
        if second_length & 1:
            first = _applied(zeros, first)
        zeros = _squared(zeros)
        second_length >>= 1
    return first ^ second


def _applied(matrix: list[int], vector: int) -> int:
    result = 0
    for row in matrix:
        if vector & 1:
            result ^= row
        vector >>= 1
    return result


def _squared(matrix: list[int]) -> list[int]:
    return [_applied(matrix, row) for row in matrix]
