from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mp_mcp.tools import params


def valid(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refused(kind: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        valid(kind, value)
    return str(caught.value)


def test_a_day_is_written_in_one_way() -> None:
    assert valid(params.FromDate, "2025-01-31") == date(2025, 1, 31)
    assert valid(params.ToDate, date(2025, 1, 31)) == date(2025, 1, 31)


NO_DAYS: list[Any] = [
    *("2025-1-31", "20250131", "2025-02-30", "2025-W05-5", "31-01-2025", "2025-01-31T00:00"),
    *("", " 2025-01-31", "2025-01-31\n", "\uff12\uff10\uff12\uff15-01-31", "today"),
    *(1738281600, None, True, []),
]


@pytest.mark.parametrize("value", NO_DAYS)
def test_anything_else_is_no_day(value: Any) -> None:
    assert "YYYY-MM-DD" in refused(params.FromDate, value)


@settings(max_examples=60, deadline=None)
@given(st.dates())
def test_every_day_can_be_named(day: date) -> None:
    assert valid(params.FromDate, day.isoformat()) == day


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", ()),
        ("Signup", ("Signup",)),
        ("Signup, Login ,", ("Signup", "Login")),
        ('["Signup, free", "[Draft]"]', ("Signup, free", "[Draft]")),
        (["Signup, free"], ("Signup, free",)),
        ([], ()),
    ],
)
def test_event_names_come_as_a_list_or_as_a_shell_sends_them(
    value: Any, names: tuple[str, ...]
) -> None:
    assert valid(params.Events, value) == names


@pytest.mark.parametrize("value", ["[Draft] Signup", "[", "[" * 100_000])
def test_what_starts_like_a_json_array_and_is_none_is_refused(value: str) -> None:
    assert '["A", "B"]' in refused(params.Events, value)


@pytest.mark.parametrize("value", [[1], "[null]", 5, {"a": 1}, [["a"]]])
def test_what_is_no_name_is_refused(value: Any) -> None:
    assert refused(params.Events, value)


@pytest.mark.parametrize("name", ["events", "_e", "E2", "a" * 63])
def test_a_table_name_is_a_plain_identifier(name: str) -> None:
    assert valid(params.Table, name) == name


@pytest.mark.parametrize(
    "name", ["", "2a", "a-b", "a b", 'a"b', "a.b", "a;b", "events\n", "é", "a" * 64, "e\x00"]
)
def test_anything_else_is_no_table_name(name: str) -> None:
    assert refused(params.Table, name)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (params.RowLimit, (1, 100_000), (0, -1, 100_001, 1.5, "many")),
        (params.SegmentLimit, (1, 10_000), (0, 10_001)),
        (params.Offset, (0, 10**9), (-1, 0.5)),
        (params.Timeout, (0.1, 600, None), (0, -1, 601, float("nan"), float("inf"))),
        (params.Unit, ("minute", "month"), ("year", "Day", "")),
        (params.CountType, ("general", "unique", "average"), ("sum",)),
        (params.BookmarkType, (None, "insights", "launch-analysis"), ("dashboards",)),
        (params.Event, ("Signup", " "), ("", None, 5)),
        (params.Sql, ("SELECT 1",), ("", None)),
    ],
)
def test_each_parameter_has_its_bounds(kind: Any, good: Any, bad: Any) -> None:
    for value in good:
        assert valid(kind, value) == value
    for value in bad:
        assert refused(kind, value)


def test_a_long_range_is_still_a_range_of_days() -> None:
    first = valid(params.FromDate, "2020-02-29")
    assert first + timedelta(366) == date(2021, 3, 1)
