"""Results as text: tables, single objects, odd cells, and what never reaches a terminal."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mp_mcp.front import talk
from mp_mcp.front.cells import width_of
from mp_mcp.front.render import text_of
from mp_mcp.front.screen import FILE, Screen
from mp_mcp.front.table import drawn
from mp_mcp.front.talk import Spinner, printable, say

WORKSPACE = {
    "project": "1001",
    "region": "eu",
    "clients": ["mp pid 1", "mp-mcp pid 2"],
    "tables": [{"name": "events", "rows": 3}, {"name": "people", "rows": 4, "note": "new"}],
}
CELLS = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(st.text(max_size=8), min_size=width, max_size=width),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=4),
    )
)


@settings(max_examples=60)
@given(TABLES)
def test_json_formats_lose_nothing(table: tuple[list[str], list[list[object]]]) -> None:
    columns, rows = table
    result = {"columns": columns, "rows": rows}
    assert json.loads(text_of(result, "json")) == result
    records = [json.loads(line) for line in text_of(result, "jsonl").split("\n")[:-1]]
    assert [list(record.values()) for record in records] == rows


@settings(max_examples=60)
@given(TABLES)
def test_line_formats_keep_one_line_per_row(
    table: tuple[list[str], list[list[object]]],
) -> None:
    columns, rows = table
    result = {"columns": columns, "rows": rows}
    assert text_of(result, "plain").count("\n") == len(rows)
    assert text_of(result, "table").count("\n") == len(rows) + 2
    read = list(csv.reader(io.StringIO(text_of(result, "csv"), newline="")))
    assert len(read) == len(rows) + 1


@settings(max_examples=60)
@given(TABLES, st.integers(20, 60))
def test_a_table_is_printable_and_fits_its_terminal(
    table: tuple[list[str], list[list[object]]], width: int
) -> None:
    columns, rows = table
    lines = drawn(columns, rows, Screen(width)).split("\n")
    assert all(talk.is_printable(c) for line in lines for c in line)
    assert all(width_of(line) <= width for line in lines if not _has_wide_number(rows, width))


def _has_wide_number(rows: list[list[object]], width: int) -> bool:
    """A number is never cut: it may be wider than the terminal."""
    return any(isinstance(c, int) and len(f"{c:,}") > width for row in rows for c in row)


def test_csv_writes_nothing_for_null_and_json_for_the_rest() -> None:
    result = {"columns": ["a", "b", "c", "d"], "rows": [[None, True, 1.5, {"k": [1]}]]}
    assert text_of(result, "csv") == 'a,b,c,d\n,true,1.5,"{""k"": [1]}"\n'


def test_columns_of_one_name_stay_apart_in_jsonl() -> None:
    result = {"columns": ["n", "n"], "rows": [[1, 2]]}
    assert text_of(result, "jsonl") == '{"n": 1, "n_2": 2}\n'


def test_numbers_are_right_aligned_and_wide_characters_counted() -> None:
    text = drawn(["city", "n"], [["東京", 1], ["Bonn", 250]], FILE)
    assert text == "city     n\n──────────\n東京     1\nBonn   250"


def test_a_wide_column_is_cut_with_a_mark() -> None:
    text = drawn(["a", "b"], [["x" * 50, "short"]] * 2, Screen(20))
    assert text.split("\n")[2] == "xxxxxxxxxxx…   short"


def test_escape_sequences_are_made_visible() -> None:
    assert "\x1b" not in text_of({"columns": ["a"], "rows": [["\x1b[31mred\n"]]}, "table")
    assert printable("a\x1b[2Jb\nc") == "a\\x1b[2Jb c"


def test_an_object_is_fields_and_tables_for_people() -> None:
    assert text_of(WORKSPACE, "table") == (
        "project  1001\n"
        "region   eu\n"
        "clients  mp pid 1, mp-mcp pid 2\n"
        "\n"
        "tables\n"
        "name     rows   note\n"
        "────────────────────\n"
        "events      3\n"
        "people      4   new\n"
    )


def test_an_object_is_one_row_for_programs() -> None:
    assert text_of({"a": 1, "b": None}, "csv") == "a,b\n1,\n"
    assert text_of({"a": 1, "b": [1]}, "jsonl") == '{"a": 1, "b": [1]}\n'
    assert text_of({"a": 1, "b": "x\ty"}, "plain") == "a\t1\nb\tx y\n"


def test_what_stands_beside_the_rows_is_shown_above_them() -> None:
    result = {"user": "Ada", "project": "1", "columns": ["a"], "rows": [[1]], "row_count": 1}
    assert text_of(result, "table") == "user  Ada\n\na\n─\n1\n"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (81, "⠋ fetch events 0 s █████░░░░░░░░░░░░░░░ 25% 1 of 4 days, 7/s, 5 s left"),
        (56, "⠋ fetch events 0 s █░░░░ 25% 1 of 4 days, 7/s, 5 s left"),
        (53, "⠋ fetch events 0 s 25% 1 of 4 days, 7/s, 5 s left"),
        (43, "⠋ 0 s █░░░░ 25% 1 of 4 days, 7/s, 5 s left"),
        (37, "⠋ 0 s 25% 1 of 4 days, 7/s, 5 s left"),
        (20, "⠋ 0 s 25% 1 of 4 da"),
    ],
)
def test_a_narrow_terminal_costs_the_bar_and_the_title_before_the_numbers(
    columns: int,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(talk, "terminal_width", lambda: columns)
    Spinner("fetch events", after_s=0)(
        {"progress": 1, "total": 4, "message": "1 of 4 days, 7/s, 5 s left"}
    )
    assert capsys.readouterr().err.removeprefix("\r\x1b[K")[1:] == shown[1:]


def test_a_spinner_shows_progress_and_leaves_no_trace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spinner = Spinner("fetch events", after_s=0)
    spinner({"progress": 1, "total": 4, "message": "day 2025-01-01\x1b[2J"})
    spinner.erase()
    drawn_line, _, rest = capsys.readouterr().err.removeprefix("\r\x1b[K").partition("\r\x1b[K")
    assert "fetch events 0 s █████░░░░░░░░░░░░░░░ 25% day 2025-01-01\\x1b[2J" in drawn_line
    assert rest == ""


def test_a_quick_call_shows_no_spinner(capsys: pytest.CaptureFixture[str]) -> None:
    spinner = Spinner("query sql", after_s=60)
    spinner(None)
    spinner.erase()
    assert capsys.readouterr().err == ""


def test_talk_survives_a_narrow_encoding(capsys: pytest.CaptureFixture[str]) -> None:
    say("ok \ud800")
    assert capsys.readouterr().err == "ok \\ud800\n"
