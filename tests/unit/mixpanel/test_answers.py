from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter

from mp_mcp.errors import ExitCode, MixpanelError, UnknownAnswerError
from mp_mcp.mixpanel.answers import (
    as_number,
    by_date,
    by_total,
    counts_of,
    distinct,
    filled,
    is_day,
    read,
    unwrapped,
)

from .shapes import counted


@given(counted)
def test_series_come_largest_first_and_without_gaps(answer: dict[str, Any]) -> None:
    counts = counts_of(answer, "series")
    names = by_total(counts.values)
    assert sorted(names) == sorted(answer["data"]["values"])
    sent = [sum(number or 0 for number in counts.values[name].values()) for name in names]
    assert sent == sorted(sent, reverse=True)
    rows = filled(counts.values, names, counts.series)
    assert [row[0] for row in rows] == sorted({row[0] for row in rows})
    assert all(len(row) == 1 + len(names) for row in rows)


def test_equal_totals_come_by_name() -> None:
    assert by_total({"b": {"x": 1}, "a": {"y": 1}, "c": {"x": 2}}) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("12", 12),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        (2**70, 2**70),
        ("NaN", None),
        ("Infinity", None),
        ("-Infinity", None),
        (float("nan"), None),
        (float("inf"), None),
        ("1e999", None),
        (10**400, None),
        ("9" * 5000, None),
        (None, None),
    ],
)
def test_numbers_are_read_from_texts_and_what_cannot_be_computed_is_null(
    sent: Any, number: Any
) -> None:
    found = as_number(sent)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize("text", ["", "many", "1,000", "1_000", "0x10", "1 2"])
def test_other_texts_are_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        as_number(text)


def test_a_bucket_that_is_absent_is_zero_and_one_that_is_unknown_is_null() -> None:
    values: dict[str, dict[str, int | float | None]] = {"a": {"x": None}, "b": {"y": 2}}
    assert filled(values, ["a", "b"]) == [["x", None, 0], ["y", 0, 2]]


def test_no_two_columns_have_the_same_name() -> None:
    assert by_date(["a", "date"]) == ["date", "a", "date (value)"]
    assert distinct(["x", "x", "x (value)"], ["y"]) == ["x", "x (value)", "x (value) (value)"]


def test_envelopes_are_opened_where_there_are_any() -> None:
    assert unwrapped({"status": "ok", "results": [1]}) == [1]
    assert unwrapped([1]) == [1]
    assert unwrapped({"plan": 1}) == {"plan": 1}


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("2025-01-01", True),
        ("2025-01-01 10:00:00", True),
        ("2025-01-01T00:00:00-08:00", True),
        ("$overall", False),
        ("all", False),
        ("in 2025-01-01", False),
        ("2025-01-01 10:00", True),
        ("2025-01-01T00:00:00.000Z", True),
        ("2025-01-01 10:00:00.5+0100", True),
        ("2024-11-11 sale", False),
        ("2024-11-11launch and then B", False),
        ("2024-13-11", False),
        ("2025-02-30", False),
        ("2025-01-01 25:00:00", False),
        ("\u0662\u0660\u0662\u0665-01-01", False),
        ("20250101", False),
    ],
)
def test_buckets_of_time_are_told_from_names(key: str, known: bool) -> None:
    assert is_day(key) is known


@pytest.mark.parametrize(
    "answer", [None, 5, [], {}, {"data": [1]}, {"data": {"values": [1]}}, {"series": []}]
)
def test_a_series_of_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match=r"about series has a shape"):
        counts_of(answer, "series")


def test_an_unknown_shape_comes_with_a_way_out() -> None:
    with pytest.raises(MixpanelError) as caught:
        read(TypeAdapter(list[int]), {"a": 1}, "numbers")
    assert "about numbers" in caught.value.message
    assert "newer version" in str(caught.value.hint)


def test_an_answer_of_unknown_shape_is_no_fault_of_the_caller() -> None:
    with pytest.raises(UnknownAnswerError, match="shape") as caught:
        read(TypeAdapter(list[int]), {"a": 1}, "numbers")
    assert caught.value.exit_code == ExitCode.UNEXPECTED
