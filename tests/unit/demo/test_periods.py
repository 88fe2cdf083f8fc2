"""Where periods of time begin and end."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.demo.periods import UNITS, elapsed, key_of, later, start_of, starts_between

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))


@pytest.mark.parametrize(
    ("unit", "start", "following"),
    [
        ("minute", "2025-05-07T13:45:00", "2025-05-07T13:46:00"),
        ("hour", "2025-05-07T13:00:00", "2025-05-07T14:00:00"),
        ("day", "2025-05-07T00:00:00", "2025-05-08T00:00:00"),
        ("week", "2025-05-05T00:00:00", "2025-05-12T00:00:00"),
        ("month", "2025-05-01T00:00:00", "2025-06-01T00:00:00"),
        ("quarter", "2025-04-01T00:00:00", "2025-07-01T00:00:00"),
    ],
)
def test_a_moment_lies_in_one_period_of_each_unit(unit: str, start: str, following: str) -> None:
    found = start_of(datetime(2025, 5, 7, 13, 45, 59), unit)
    assert found == datetime.fromisoformat(start)
    assert later(found, unit, 1) == datetime.fromisoformat(following)
    assert later(later(found, unit, 14), unit, -14) == found


@given(MOMENTS, st.sampled_from(UNITS))
def test_a_period_begins_before_its_moments_and_ends_after_them(
    moment: datetime, unit: str
) -> None:
    start = start_of(moment, unit)
    assert start <= moment < later(start, unit, 1)
    assert start_of(start, unit) == start
    assert elapsed(start, moment, unit) == 0
    assert elapsed(start, later(start, unit, 5), unit) == 5


@pytest.mark.parametrize(
    ("origin", "moment", "months"),
    [
        ("2025-01-15T10:00:00", "2025-02-15T09:59:59", 0),
        ("2025-01-15T10:00:00", "2025-02-15T10:00:00", 1),
        ("2024-12-31T00:00:00", "2025-03-30T23:00:00", 2),
        ("2024-12-31T00:00:00", "2025-03-31T00:00:00", 3),
    ],
)
def test_a_month_has_passed_on_the_same_day_of_the_next_one(
    origin: str, moment: str, months: int
) -> None:
    found = elapsed(datetime.fromisoformat(origin), datetime.fromisoformat(moment), "month")
    assert found == months


def test_all_periods_of_a_range_are_given() -> None:
    first, last = datetime(2025, 1, 31), datetime(2025, 3, 1)
    assert [key_of(one, "month") for one in starts_between(first, last, "month")] == [
        "2025-01-01",
        "2025-02-01",
        "2025-03-01",
    ]
    hours = list(starts_between(datetime(2025, 1, 1), datetime(2025, 1, 1, 2, 59), "hour"))
    assert [key_of(one, "hour") for one in hours][-1] == "2025-01-01 02:00:00"
