from datetime import date, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.mixpanel.windows import MOST_WINDOWS, TARGET_BYTES, Windows


def all_of(windows: Windows, bytes_per_day: int) -> list[Window]:
    """Take and weigh, one after the other."""
    taken = []
    while (window := windows.take()) is not None:
        taken.append(window)
        days = (window.last - window.first).days + 1
        windows.weigh(ExportedFile(Path("x"), days * bytes_per_day, window))
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
    taken = all_of(Windows(first, first + timedelta(days - 1), at_once=at_once), weight)
    covered = [
        window.first + timedelta(n)
        for window in taken
        for n in range((window.last - window.first).days + 1)
    ]
    assert covered == [first + timedelta(n) for n in range(days)]
    assert len(taken) <= MOST_WINDOWS


def test_small_days_are_fetched_together_to_save_the_budget() -> None:
    assert len(all_of(Windows(date(2025, 1, 1), date(2025, 1, 30), at_once=3), 1000)) < 12


def test_big_days_are_fetched_one_by_one() -> None:
    taken = all_of(Windows(date(2025, 1, 1), date(2025, 1, 10), at_once=3), TARGET_BYTES)
    assert all(window.first == window.last for window in taken)


def test_the_first_windows_are_one_day_each() -> None:
    windows = Windows(date(2025, 1, 1), date(2025, 1, 10), at_once=3)
    assert [windows.take() for _ in range(3)] == [
        Window(date(2025, 1, n), date(2025, 1, n)) for n in (1, 2, 3)
    ]
