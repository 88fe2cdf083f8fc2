import gzip
import zlib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mp_mcp.demo.segments import (
    SegmentWriter,
    combined_crc,
    gzip_lines,
    gzip_stream,
    open_segment,
    plain_stream,
)


@given(st.binary(max_size=200), st.binary(max_size=200))
@settings(max_examples=60)
def test_the_checksum_of_two_texts_follows_from_their_checksums(one: bytes, two: bytes) -> None:
    assert combined_crc(zlib.crc32(one), zlib.crc32(two), len(two)) == zlib.crc32(one + two)


def _segments(folder: Path, texts: list[list[bytes]]) -> None:
    for number, lines in enumerate(texts):
        writer = SegmentWriter(folder / str(number))
        for line in lines:
            writer.write(line)
        writer.close()


def test_segments_join_into_one_gzip_member(tmp_path: Path) -> None:
    texts = [[b"a\n" * 700, b"b\n"], [], [b"c\n"] * 1200]
    _segments(tmp_path, texts)
    joined = b"".join(gzip_stream(open_segment(tmp_path / str(n)) for n in range(3)))
    whole = b"".join(line for lines in texts for line in lines)
    assert gzip.decompress(joined) == whole
    # A client that reads only the first member misses nothing.
    first_member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert first_member.decompress(joined) == whole
    assert (first_member.eof, first_member.unused_data) == (True, b"")


def test_the_text_of_segments_comes_back_as_it_went_in(tmp_path: Path) -> None:
    _segments(tmp_path, [[b"one\n", b"two\n"], [b"three\n"]])
    segments = [open_segment(tmp_path / str(n)) for n in range(2)]
    assert b"".join(plain_stream(segments)) == b"one\ntwo\nthree\n"
    assert [(one.lines, one.length) for one in segments] == [(2, 8), (1, 6)]


def test_lines_compress_on_their_way() -> None:
    assert gzip.decompress(b"".join(gzip_lines([b"one\n", b"two\n"]))) == b"one\ntwo\n"


def test_an_abandoned_segment_leaves_no_file(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "day")
    writer.write(b"half\n")
    writer.abandon()
    assert list(tmp_path.iterdir()) == []
