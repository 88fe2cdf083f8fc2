"""How days are cut into exports: complete, few, and of the right weight."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.mixpanel.windows import MOST_WINDOWS, TARGET_BYTES, Windows, affordable

JAN_1 = date(2025, 1, 1)


def run(first: date, days: int) -> list[date]:
    return [first + timedelta(number) for number in range(days)]


def covered(taken: list[Window]) -> list[date]:
    return [day for window in taken for day in run(window.first, window.days)]


def all_of(windows: Windows, bytes_per_day: int) -> list[Window]:
    """Take and weigh, one after the other."""
    taken = []
    while (window := windows.take()) is not None:
        taken.append(window)
        days = (window.last - window.first).days + 1
        windows.weigh(ExportedFile(Path("x"), days * bytes_per_day, window, datetime(2025, 1, 1)))
    return taken


@given(
    st.dates(date(2011, 1, 1), date(2030, 1, 1)),
    st.integers(1, 3000),
    st.integers(0, 10**9),
    st.integers(1, 5),
)
def test_windows_cover_every_day_once_and_are_few(
    first: date, days: int, weight: int, at_once: int
) -> None:
    taken = all_of(Windows(run(first, days), at_once=at_once), weight)
    assert covered(taken) == run(first, days)
    assert len(taken) <= MOST_WINDOWS


def test_small_days_are_fetched_together_to_save_the_budget() -> None:
    assert len(all_of(Windows(run(JAN_1, 30), at_once=3), 1000)) < 12


def test_big_days_are_fetched_one_by_one() -> None:
    taken = all_of(Windows(run(JAN_1, 10), at_once=3), TARGET_BYTES)
    assert all(window.first == window.last for window in taken)


def test_the_first_windows_are_one_day_each() -> None:
    windows = Windows(run(JAN_1, 10), at_once=3)
    assert [windows.take() for _ in range(3)] == [
        Window(date(2025, 1, n), date(2025, 1, n)) for n in (1, 2, 3)
    ]


@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=200),
    st.integers(1, MOST_WINDOWS),
    st.integers(0, 10**8),
)
def test_gaps_are_fetched_completely_in_order_and_within_the_budget(
    numbers: set[int], most: int, weight: int
) -> None:
    days = [JAN_1 + timedelta(number) for number in sorted(numbers)]
    taken = covered(all_of(Windows(days, at_once=3, most=most), weight))
    assert set(taken) >= set(days)
    assert taken == sorted(set(taken))
    assert len(all_of(Windows(days, at_once=3, most=most), weight)) <= most


def test_what_is_there_is_not_fetched_when_the_budget_allows() -> None:
    days = [*run(JAN_1, 3), *run(date(2025, 1, 20), 2)]
    assert covered(all_of(Windows(days, at_once=3), 0)) == days


def test_with_more_gaps_than_exports_the_shortest_holes_are_asked_again() -> None:
    days = [date(2025, 1, 1), date(2025, 1, 3), date(2025, 1, 20)]
    taken = all_of(Windows(days, at_once=3, most=2), 0)
    assert taken == [
        Window(date(2025, 1, 1), date(2025, 1, 3)),
        Window(date(2025, 1, 20), date(2025, 1, 20)),
    ]


@pytest.mark.parametrize(
    ("left", "windows"), [(None, 50), (60, 50), (100, 50), (12, 10), (3, 3), (1, 1), (0, 1)]
)
def test_a_fetch_takes_no_more_than_the_hour_has_left(left: int | None, windows: int) -> None:
    assert affordable(left) == windows
