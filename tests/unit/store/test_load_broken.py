"""Broken exports: cut ones are never loaded, other lines are repaired or counted and kept."""

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mp_mcp.errors import IncompleteExportError
from tests.unit.store.loading import JAN_1, NOON, Loader, emptied, fresh_loader, line, same

GOOD = line(n=1).encode()
DAYS = (JAN_1, JAN_1)


@pytest.fixture(scope="module")
def shared() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


@pytest.fixture
def loader(shared: Loader) -> Iterator[Loader]:
    with emptied(shared):
        yield shared
    shared.rejects.unlink(missing_ok=True)


@pytest.mark.parametrize(
    "tail",
    [
        b"terminated early",
        b"terminated early\n",
        b"export terminated early\n",
        b"Export Terminated Early",
        b'{"error": "export terminated early"}\n',
        b'{"error": {"code": 1}, "request": "/"}',
        b'{"event":"Login","prop',
        GOOD[:-1],
        b'{"event":"Login",\nterminated early\n',
    ],
)
@pytest.mark.parametrize("head", [b"", GOOD + b"\n"])
def test_a_truncated_export_is_never_loaded(loader: Loader, head: bytes, tail: bytes) -> None:
    with pytest.raises(IncompleteExportError):
        loader.stage([loader.raw_file(head + tail)], days=DAYS)
    assert loader.values("SELECT table_name FROM duckdb_tables() WHERE temporary") == []
    assert list(loader.folder.glob("*.json")) == []


@pytest.mark.parametrize("keep", [-1, -8, -9, 0.5, 20, 5, 2])
def test_a_cut_gzip_is_never_loaded(loader: Loader, keep: float) -> None:
    raw = gzip.compress(b"".join(line(n=n, x=hash(n * 77)).encode() + b"\n" for n in range(3000)))
    end = int(len(raw) * keep) if isinstance(keep, float) else int(keep)
    with pytest.raises(IncompleteExportError):
        loader.stage([loader.raw_file(raw[:end])], days=DAYS)
    with pytest.raises(IncompleteExportError):
        loader.stage([loader.raw_file(raw[:end])])


def test_a_file_of_the_user_that_ends_early_loads_what_it_has(loader: Loader) -> None:
    staged = loader.stage([loader.raw_file(GOOD + b"\nterminated early\n" + GOOD[:-5])])
    report = loader.swap(staged)
    assert (report.rows, report.malformed) == (1, 2)
    assert loader.rejects.read_bytes() == b"terminated early\n" + GOOD[:-5] + b"\n"


@pytest.mark.parametrize(
    "bad",
    [
        b"garbage",
        b"5",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b"}",
        b"{}",
        b'{"event":"a"}',
        b'{"properties":{"time":1735732800}}',
        b'{"event":null,"properties":{"time":1735732800}}',
        b'{"event":"a","properties":null}',
        b'{"event":"a","properties":[]}',
        b'{"event":"a","properties":"x"}',
        b'{"event":"a","properties":{}}',
        b'{"event":"a","properties":{"time":null}}',
        b'{"event":"a","properties":{"time":"yesterday"}}',
        b'{"event":"a","properties":{"time":true}}',
        b'{"event":"a","properties":{"time":1e300}}',
        b'{"event":"a","properties":{"time":1e400}}',
        b'{"event":"a","properties":{"time":' + b"9" * 400 + b"}}",
        b'{"event":"a","properties":{"time":-99999999999999}}',
        b'{"EVENT":"a","properties":{"time":1735732800}}',
        b'{"event":"a","properties":{"time":1735732800}}{"event":"b","properties":{}}',
        b'[{"event":"a","properties":{"time":1735732800}}]',
        b'{"event":"a","properties":{"time":1735732800,"x":01}}',
        b"{'event':'a'}",
        b"<html>502 Bad Gateway</html>",
    ],
)
def test_a_line_that_is_no_event_is_counted_and_kept(loader: Loader, bad: bytes) -> None:
    report = loader.load([GOOD, bad, line(n=2)], days=DAYS)
    assert (report.rows, report.malformed) == (2, 1)
    assert report.reject_file == str(loader.rejects)
    assert loader.rejects.read_bytes() == bad + b"\n"
    assert loader.values("SELECT n FROM events ORDER BY n") == [1.0, 2.0]
    assert list(loader.folder.glob("*.json")) == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"event":"Login",\n"properties":{"time":1735732800,\n\n"n":1}}',
        b'{"event":"Login","properties":{"time":1735732800,"n":\n1}}',
        b'{"event":"Login","properties":{"time":1735732800,"n":1\n}\n}',
        b'{\n"event":"Login","properties":\n{"time":1735732800,"n":1}}',
        b'{"\nevent":"Login","properties":{"time":1735732800,"n":1}}',
        b'{"event":"Login","prope\nrties":{"ti\nme":1735732800,"n":1}}',
    ],
)
def test_a_record_that_was_split_over_lines_is_joined(loader: Loader, raw: bytes) -> None:
    report = loader.load([line(n=0), raw, line(n=2)], days=DAYS)
    assert (report.rows, report.malformed, report.reject_file) == (3, 0, None)
    assert {"time": NOON, "n": 1.0} in loader.objects()


def test_a_line_feed_inside_a_string_is_part_of_the_value(loader: Loader) -> None:
    loader.load([GOOD, b'{"event":"a","properties":{"time":1735732800,"text":"x\ny"}}'], days=DAYS)
    assert loader.values("SELECT text FROM events WHERE event = 'a'") == ["x\ny"]


def test_a_fragment_without_its_end_does_not_swallow_the_next_event(loader: Loader) -> None:
    report = loader.load([b'{"event":"Login","prop', b"erties", GOOD, b"x", line(n=2)], days=DAYS)
    assert (report.rows, report.malformed) == (2, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\\ud800"', "\ufffd"),
        (b'"a\\udc00b\\ud83d\\ude00"', "a\ufffdb\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\\ud83d\\ud83d\\ude00"', "\ufffd\U0001f600"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"a\x00b"', "a\x00b"),
        (b'"a\x01\tb"', "a\x01\tb"),
        (b'"a\\u0000b"', "a\x00b"),
        ('"a\u2028b\u0085c"'.encode(), "a\u2028b\u0085c"),
    ],
)
def test_a_string_that_duckdb_refuses_is_repaired(loader: Loader, text: bytes, value: str) -> None:
    raw = b'{"event":"a","properties":{"time":1735732800,"text":' + text + b"}}"
    report = loader.load([raw, GOOD], days=DAYS)
    assert (report.rows, report.malformed) == (2, 0)
    assert loader.values("SELECT text FROM events WHERE event = 'a'") == [value]


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + GOOD + b"\n",
        GOOD + b"\r\n",
        b"\n \n" + GOOD + b"\n\n\t\n",
        GOOD,
        b" " + GOOD + b" \n",
        b'{"event":"x","event":"Login","properties":{"time":1735732800,"n":1}}\n',
        b'{"properties":{"time":1735732800,"n":1},"event":"Login","extra":[1]}\n',
        b'{"event":"Login","properties":{},"properties":{"time":1735732800,"n":1}}\n',
    ],
)
def test_harmless_oddities_of_a_file_load(loader: Loader, raw: bytes) -> None:
    report = loader.swap(loader.stage([loader.raw_file(raw)], days=DAYS))
    assert (report.rows, report.malformed) == (1, 0)
    assert loader.rows("SELECT event, n FROM events") == [("Login", 1.0)]


@pytest.mark.parametrize(
    ("time", "stored"),
    [
        ("1735732800", "2025-01-01 12:00:00"),
        ("1735732800123", "2025-01-01 12:00:00.123"),
        ("1735732800000", "2025-01-01 12:00:00"),
        ("1735732800.5", "2025-01-01 12:00:00.5"),
        ("1735732800.0", "2025-01-01 12:00:00"),
        ('"1735732800"', "2025-01-01 12:00:00"),
        ("0", "1970-01-01 00:00:00"),
        ("-0", "1970-01-01 00:00:00"),
        ("-1", "1969-12-31 23:59:59"),
        ("-62135596800", "0001-01-01 00:00:00"),
        ("100000000000", "5138-11-16 09:46:40"),
        ("1e9", "2001-09-09 01:46:40"),
    ],
)
def test_seconds_and_milliseconds_are_understood_and_given_back(
    loader: Loader, time: str, stored: str
) -> None:
    raw = '{"event":"Login","properties":{"time":' + time + "}}"
    loader.load([raw])
    assert loader.values("SELECT time::VARCHAR FROM events") == [stored]
    assert same(loader.objects(), [json.loads(raw)["properties"]])


@pytest.mark.parametrize("value", ["5", "1.5", "12345678901234567890123", "-0"])
def test_a_numeric_id_is_shown_as_text_and_given_back_as_a_number(
    loader: Loader, value: str
) -> None:
    raw = (
        '{"event":"Login","properties":{"time":1735732800,'
        f'"distinct_id":{value},"$insert_id":{value}}}}}'
    )
    loader.load([raw])
    shown = "0" if value == "-0" else value
    assert loader.rows("SELECT distinct_id, insert_id FROM events") == [(shown, shown)]
    assert same(loader.objects(), [json.loads(raw)["properties"]])


def test_a_long_line_and_deep_nesting_load(loader: Loader) -> None:
    deep = "[" * 500 + "]" * 500
    raw = '{"event":"a","properties":{"time":1735732800,"deep":' + deep + "}}"
    report = loader.load([GOOD, line(n=2, long="x" * 9_000_000), raw], days=DAYS)
    assert (report.rows, report.malformed) == (3, 0)
    assert loader.values("SELECT length(long) FROM events WHERE n = 2") == [9_000_000]
    assert loader.values("SELECT deep::VARCHAR FROM events WHERE event = 'a'") == [deep]


def test_nesting_beyond_reason_is_counted_when_python_has_to_read_it(loader: Loader) -> None:
    deep = '{"event":"a","properties":{"time":1735732800,"x":' + "[" * 99999 + "]" * 99999 + "}}"
    report = loader.load([GOOD, b"garbage", deep], days=DAYS)
    assert (report.rows, report.malformed) == (1, 2)


@pytest.mark.parametrize(
    "raw", [GOOD + b"\n" + b"junk\nterminated early\n", GOOD[:30] + b"\n" + GOOD[30:] + b"\n"]
)
def test_no_file_of_rejects_is_left_when_nothing_was_rejected(loader: Loader, raw: bytes) -> None:
    with suppress(IncompleteExportError):
        assert loader.swap(loader.stage([loader.raw_file(raw)], days=DAYS)).malformed == 0
    assert not loader.rejects.exists()


def test_what_was_repaired_is_counted(loader: Loader) -> None:
    raw = b"\n".join([GOOD, rb'{"event":"E","properties":{"time":%d,"a":"\ud800"}}' % NOON, GOOD])
    assert loader.load([raw], days=DAYS).repaired == 1
