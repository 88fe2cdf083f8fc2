"""The export reader on mutated NDJSON and gzip: no good line is lost, every other one is counted.

The whole way of an export: bytes in pieces into the spool, then from the file into a table.
"""

import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import IncompleteExportError
from mp_mcp.mixpanel.spool_file import SpoolFile
from mp_mcp.store.models import LoadReport
from tests.fuzz.lengths import examples
from tests.unit.store.loading import JAN_1, NOON, Loader, emptied, fresh_loader

DAYS = (JAN_1, JAN_1)

texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
properties = st.dictionaries(texts, values, max_size=5)
around = st.sampled_from([b"", b" ", b"\t", b"\r", b" \t\r"])


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with fresh_loader() as found:
        yield found


def event(number: int, more: Mapping[str, object], *, escaped: bool = True) -> bytes:
    """A good line, told by its number."""
    known = {"time": NOON + number, "$insert_id": f"id{number}", "distinct_id": "u"}
    about = {**more, **known}
    return json.dumps({"event": "Login", "properties": about}, ensure_ascii=escaped).encode()


@st.composite
def good_lines(draw: st.DrawFn) -> list[bytes]:
    found = draw(st.lists(st.tuples(properties, st.booleans(), around, around), max_size=6))
    return [
        before + event(number, more, escaped=escaped) + after
        for number, (more, escaped, before, after) in enumerate(found)
    ]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A line that was an event: bytes are changed, lost, doubled, or put in; it stays one line."""
    line = bytearray(event(draw(st.integers(100, 200)), draw(properties)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(line) - 1))
        how = draw(st.sampled_from(["change", "lose", "cut", "double", "put"]))
        if how == "change":
            line[place] = draw(st.integers(0, 255))
        elif how == "lose":
            del line[place : place + draw(st.integers(1, 9))]
        elif how == "cut":
            del line[place + 1 :]
        elif how == "double":
            line[place:place] = line[place : place + draw(st.integers(1, 30))]
        else:
            line[place:place] = draw(st.binary(min_size=1, max_size=6))
        if not line:
            break
    return bytes(line).replace(b"\n", b"?")


odd_values = values.map(lambda found: json.dumps(found).encode())
odd_lines = mutated() | st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")) | odd_values


def load(loader: Loader, raw: bytes, *, is_export: bool) -> LoadReport:
    days = DAYS if is_export else None
    return loader.swap(loader.stage([loader.raw_file(raw)], days=days))


def loaded(loader: Loader) -> list[object]:
    """The numbers of the good events that are in the table."""
    ids = loader.values("SELECT insert_id FROM events ORDER BY time")
    return [name for name in ids if name in {f"id{n}" for n in range(100)}]


def ids(good: Sequence[bytes]) -> list[str]:
    return [f"id{number}" for number in range(len(good))]


@examples(16, 3000)
@given(good_lines(), st.lists(odd_lines, max_size=5), st.randoms(use_true_random=False))
def test_among_odd_lines_every_good_one_is_loaded_and_the_others_are_counted(
    loader: Loader, good: list[bytes], odd: list[bytes], pick: random.Random
) -> None:
    odd = [line for line in odd if line.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")]
    # A good one after each odd one: what lies between them cannot be pieces of one record.
    last = event(50, {})
    lines = list(good)
    for line in odd:
        place = pick.randrange(len(lines) + 1)
        lines[place:place] = [line, event(51 + odd.index(line), {})]
    with emptied(loader):
        report = load(loader, b"\n".join([*lines, last]) + b"\n", is_export=False)
        good_ids = {*ids(good), "id50", *(f"id{51 + odd.index(line)}" for line in odd)}
        assert set(loaded(loader)) == good_ids
        assert loader.values("SELECT count(*) FROM events") == [report.rows]
        assert report.rows + report.malformed + report.duplicates == len(lines) + 1
        _are_kept(loader, report)


@examples(10, 2000)
@given(good_lines(), st.lists(odd_lines, max_size=6), st.randoms(use_true_random=False))
def test_odd_lines_in_any_order_cost_no_good_line(
    loader: Loader, good: list[bytes], odd: list[bytes], pick: random.Random
) -> None:
    lines = [*good, event(50, {})]  # files without any event are refused
    for line in odd:
        lines.insert(pick.randrange(len(lines) + 1), line)
    with emptied(loader):
        report = load(loader, b"\n".join(lines), is_export=False)
        assert set(loaded(loader)) >= set(ids(good))
        assert report.rows + report.malformed + report.duplicates <= len(lines)
        _are_kept(loader, report)


def _are_kept(loader: Loader, report: LoadReport) -> None:
    """What is counted as malformed can be looked at, unless DuckDB alone has found it."""
    if report.reject_file:
        assert len(loader.rejects.read_bytes().splitlines()) > 0
    loader.rejects.unlink(missing_ok=True)


@examples(12, 2000)
@given(
    good_lines().filter(bool),
    st.booleans(),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=3),
    st.lists(st.integers(0), max_size=5),
    st.none() | st.integers(0),
)
def test_an_export_with_wrong_bytes_on_the_wire_is_whole_or_refused(
    loader: Loader,
    good: list[bytes],
    in_members: bool,
    wrong: list[tuple[int, int]],
    cuts: list[int],
    end: int | None,
) -> None:
    lines = [line + b"\n" for line in good]
    packed = b"".join(map(gzip.compress, lines)) if in_members else gzip.compress(b"".join(lines))
    raw = bytearray(packed)
    for place, byte in wrong:
        raw[2 + place % (len(raw) - 2)] = byte
    if end is not None:
        del raw[2 + end % (len(raw) - 2) :]
    with emptied(loader):
        try:
            path = _received(loader, bytes(raw), cuts)
            report = loader.swap(loader.stage([path], days=DAYS))
        except IncompleteExportError:
            assert raw != packed
            assert loader.values("SELECT name FROM _mp.tables") == []
        else:
            # Of several members the last ones may be missing: that is a cut after a whole event.
            known = ids(good)
            is_cut = in_members and end is not None
            assert loaded(loader) == (known[: len(loaded(loader))] if is_cut else known)
            assert report.malformed == 0
    assert list(loader.folder.glob("*.part")) == []


def _received(loader: Loader, raw: bytes, cuts: list[int]) -> Path:
    file = SpoolFile(loader.folder, "wire")
    try:
        places = sorted({2, len(raw), *(2 + cut % (len(raw) - 1) for cut in cuts)})
        start = 0
        for place in places:
            file.write(raw[start:place])
            start = place
        return file.keep()
    finally:
        file.discard()


@examples(12, 2000)
@given(good_lines().filter(bool), st.data())
def test_an_event_in_pieces_is_put_together(
    loader: Loader, good: list[bytes], data: st.DataObject
) -> None:
    lines = []
    for line in good:
        clean = line.strip()
        places = data.draw(st.lists(st.integers(1, len(clean) - 1), max_size=3, unique=True))
        pieces = [
            clean[a:b] for a, b in zip([0, *sorted(places)], [*sorted(places), None], strict=True)
        ]
        lines.append(b"\n".join(pieces))
    with emptied(loader):
        report = load(loader, b"\n".join(lines) + b"\n", is_export=True)
        # A value may have got a line feed, an id as well: that is a part of it then.
        assert (report.rows, report.malformed) == (len(good), 0)
