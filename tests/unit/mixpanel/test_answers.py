from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.answers import by_total, counts_of, filled, is_day, read, unwrapped

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
    assert all(len(row) == 1 + len(names) and None not in row for row in rows)


def test_equal_totals_come_by_name() -> None:
    assert by_total({"b": {"x": 1}, "a": {"y": 1}, "c": {"x": 2}}) == ["c", "a", "b"]


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
