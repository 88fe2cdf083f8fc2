import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import IncompleteExportError
from mp_mcp.mixpanel.spool_file import TAIL_BYTES, SpoolFile, is_trailer, require_complete

names = st.text(max_size=8)
properties = st.dictionaries(
    names, st.none() | st.booleans() | st.integers() | names | st.lists(names, max_size=2)
)
records = st.fixed_dictionaries({"event": names, "properties": properties})
bodies = st.lists(records, min_size=1, max_size=5).map(
    lambda found: "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in found)
)


def kept(body: bytes, cuts: list[int]) -> tuple[str, bytes]:
    """Name and content of the file after writing `body`, cut at these places."""
    with tempfile.TemporaryDirectory() as folder:
        file = SpoolFile(Path(folder), "x")
        try:
            places = sorted({2, len(body), *(place % (len(body) + 1) for place in cuts)})
            start = 0
            for place in [place for place in places if place >= 2]:
                file.write(body[start:place])
                start = place
            path = file.keep()
            return path.name, path.read_bytes()
        finally:
            file.discard()


@given(bodies, st.booleans(), st.lists(st.integers(0), max_size=4))
def test_any_complete_body_is_kept_byte_for_byte(text: str, packed: bool, cuts: list[int]) -> None:
    body = gzip.compress(text.encode()) if packed else text.encode()
    assert kept(body, cuts) == ("x.ndjson.gz" if packed else "x.ndjson", body)


@given(bodies, st.integers(0))
def test_no_beginning_of_a_gzip_body_is_taken_for_the_whole(text: str, place: int) -> None:
    body = gzip.compress(text.encode())
    with pytest.raises(IncompleteExportError):
        kept(body[: 2 + place % (len(body) - 2)], [])


@given(bodies, st.integers(0))
def test_a_cut_inside_an_event_is_seen(text: str, place: int) -> None:
    body = text.encode()
    part = body[: 2 + place % (len(body) - 2)]
    if body[len(part) - 1 : len(part) + 1] == b"}\n" or part.endswith(b"\n"):
        assert kept(part, [])[1] == part  # a whole event ends here: nothing shows a cut
    else:
        with pytest.raises(IncompleteExportError):
            kept(part, [])


def test_several_gzip_members_are_one_body() -> None:
    body = gzip.compress(b'{"event":"a"}\n') + gzip.compress(b'{"event":"b"}\n')
    assert kept(body, [len(body) // 2, 30, 31]) == ("x.ndjson.gz", body)


def test_a_body_that_inflates_a_thousandfold_is_followed_to_its_end() -> None:
    body = gzip.compress((b'{"event":"' + b"a" * 1000 + b'"}\n') * 10_000)
    assert len(body) < 50_000
    assert kept(body, [])[1] == body
    with pytest.raises(IncompleteExportError):
        kept(body[:-1], [])


@pytest.mark.parametrize(
    "line",
    [
        b"terminated early",
        b"  Export Terminated Early \r\n",
        b'{"error": "internal"}',
        b'{"request": "/x", "error": null}\n',
    ],
)
def test_lines_that_end_an_export_early(line: bytes) -> None:
    assert is_trailer(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b'{"event":"terminated early","properties":{}}',
        b'{"event": "x", "error": "y"}',
        b'{"properties": {"error": 1}, "event": "x"}',
        b'{"broken',
        b"\xff\xfe",
        b'{"event_name": 1}',
        b"[" * 100_000,
    ],
)
def test_lines_that_do_not(line: bytes) -> None:
    assert not is_trailer(line)


def test_an_event_longer_than_the_tail_is_no_cut() -> None:
    record = b'{"event":"x","properties":{"a":"' + b"y" * 2 * TAIL_BYTES + b'"}}'
    require_complete(record[-TAIL_BYTES:])
    with pytest.raises(IncompleteExportError):
        require_complete(record[-TAIL_BYTES - 9 : -9])


def test_a_last_event_broken_into_lines_is_no_cut() -> None:
    require_complete(b'{"event":"a"}\n{"event":"b","properties":{"text":"one\ntwo\n\nthree"}}')


def test_a_trailer_among_the_last_lines_is_seen() -> None:
    event = b'{"event":"a","properties":{}}\n'
    with pytest.raises(IncompleteExportError):
        require_complete((event * 5000 + b'{"error":"x"}\n' + event * 10)[-TAIL_BYTES:])
