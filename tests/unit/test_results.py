import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mp_mcp.results import MAX_CELL_BYTES, Result, Row, Rows, bounded, cut_columns

CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def size(rows: list[Row]) -> int:
    return len(json.dumps(rows, ensure_ascii=False).encode())


def test_rows_that_fit_are_kept_as_they_are() -> None:
    rows: list[Row] = [[1, "a", None, {"b": [None]}], [2, "c", True, []]]
    assert bounded(rows, 1000) == rows


def test_no_rows_stay_no_rows() -> None:
    assert bounded([], 10) == []


def test_rows_end_where_the_bytes_end() -> None:
    rows: list[Row] = [["x" * 90] for _ in range(100)]
    kept = bounded(rows, 1000)
    assert kept == rows[: len(kept)]
    assert 8 <= len(kept) <= 11


def test_the_first_row_is_always_there() -> None:
    assert len(bounded([["x" * 900], ["y"]], 100)) == 1


def test_one_huge_cell_is_cut_and_says_so() -> None:
    (row,) = bounded([["small", "x" * 1_000_000]], 30_000)
    assert row[0] == "small"
    assert row[1].startswith("x" * 100)
    assert "cut: 1000003 bytes" in row[1]
    assert size([row]) < MAX_CELL_BYTES + 200


def test_a_huge_nested_cell_is_cut_too() -> None:
    (row,) = bounded([[{"list": list(range(50_000))}]], 30_000)
    assert row[0].startswith('{"list": [0, 1, 2')
    assert "cut:" in row[0]


@pytest.mark.parametrize("columns", [20, 100, 300])
def test_many_middling_cells_do_not_defeat_the_bound(columns: int) -> None:
    kept = bounded([["x" * 3_990] * columns], 30_000)
    assert size(kept) < 2 * 30_000


def test_a_text_that_grows_when_it_is_escaped_is_cut_by_what_is_sent() -> None:
    kept = bounded([["\x01" * 50_000, "é" * 50_000, '"' * 50_000]], 30_000)
    assert size(kept) < 30_000


def test_a_character_is_never_cut_in_two() -> None:
    (row,) = bounded([["€" * 100_000]], 30_000)
    assert set(row[0].partition(" [cut")[0]) == {"€", "…"}


def test_half_a_surrogate_pair_does_not_break_the_bound() -> None:
    assert len(bounded([["\ud800" * 5_000]], 1_000)) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8), st.integers(100, 3_000))
def test_the_bound_holds_for_any_rows(rows: list[Row], max_bytes: int) -> None:
    kept = bounded(rows, max_bytes)
    assert len(kept) <= len(rows)
    assert bool(kept) == bool(rows)
    marks = 60 * len(rows[0]) if rows else 0
    assert size(kept) <= 2 * max_bytes + marks


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_know_becomes_null(number: float) -> None:
    answer = Rows(columns=["n"], rows=[[number]], row_count=1)
    assert answer.model_dump(mode="json")["rows"] == [[None]]


def test_nulls_in_rows_survive_where_absent_fields_are_left_out() -> None:
    rows: list[list[Any]] = [[None, {"a": None, "b": [None]}]]
    answer = Rows(columns=["a", "b"], rows=rows, row_count=1)
    assert answer.model_dump(mode="json", exclude_none=True) == {
        "columns": ["a", "b"],
        "rows": rows,
        "row_count": 1,
        "truncated": False,
    }


def test_an_answer_has_no_field_that_nobody_declared() -> None:
    assert Rows.model_json_schema()["additionalProperties"] is False
    assert Result.model_config["extra"] == "forbid"


def test_the_columns_of_cut_cells_are_known() -> None:
    rows: list[Row] = [["a", "x" * 9_000, 1, {"b": ["y" * 9_000]}], ["a", "x", 2, {}]]
    assert cut_columns(rows) == []
    assert cut_columns(bounded(rows, 30_000)) == [1, 3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.text(max_size=3_000), min_size=4, max_size=4), max_size=8))
def test_what_is_cut_to_a_size_is_not_cut_again(rows: list[Row]) -> None:
    kept = bounded(rows, 900)
    assert bounded(kept, 900) == kept
