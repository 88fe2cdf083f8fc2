"""What a query's answer may lack is said beside it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from mp_mcp.store import coverage
from mp_mcp.store.coverage import Summary
from mp_mcp.store.holes import CoverageCache, hint_of
from mp_mcp.store.touched import Touched
from tests.unit.store.loading import JAN_1, JAN_2, JAN_3, Loader, fresh_loader

LONG_AGO = datetime(2026, 1, 1)


def jan(day: int) -> date:
    return date(2025, 1, day)


def table(*days: int, fetched_at: datetime = LONG_AGO, events: Sequence[str] = ()) -> Summary:
    return Summary({jan(day): fetched_at for day in days}, fetched_at, tuple(events))


@pytest.mark.parametrize(
    ("days", "touched", "lacks"),
    [
        ((1, 2, 3), Touched(), None),
        ((1, 2, 5), Touched(), "2025-01-03..2025-01-04"),
        ((1, 2, 5), Touched(jan(1), jan(2)), None),
        ((1, 2, 5), Touched(jan(5), None), None),
        ((1, 2, 5), Touched(jan(4), jan(7)), "2025-01-04, 2025-01-06..2025-01-07"),
        ((5, 6), Touched(jan(3), jan(5)), "2025-01-03..2025-01-04"),
        ((5, 6), Touched(jan(1), jan(2)), "2025-01-01..2025-01-02"),
        ((1, 3, 5, 7, 9), Touched(), "2025-01-02, 2025-01-04, 2025-01-06 and 1 more gaps"),
        ((), Touched(jan(1), jan(9)), None),
    ],
)
def test_days_that_are_missing_are_named(
    days: tuple[int, ...], touched: Touched, lacks: str | None
) -> None:
    told = hint_of("events", table(*days), touched, 5)
    expected = f"events lacks the days {lacks}: fetch_events gets them." if lacks else None
    assert told == expected


def test_days_that_have_not_begun_are_not_missing() -> None:
    today = datetime.now(UTC).date()
    found = Summary({today: LONG_AGO}, LONG_AGO)
    assert hint_of("events", found, Touched(today, today + timedelta(9)), -9999) is None


def test_days_fetched_before_late_events_had_arrived_are_stale() -> None:
    found = table(1, 2, 3, fetched_at=datetime(2025, 1, 7))
    told = hint_of("events", found, Touched(), 5)
    assert told is not None
    assert "2 days of events up to 2025-01-03" in told
    assert hint_of("events", found, Touched(None, jan(1)), 5) is None


def test_days_fetched_a_moment_ago_are_as_good_as_they_can_be() -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    found = Summary({now.date(): now}, now)
    assert hint_of("events", found, Touched(), 5) is None


def test_a_table_of_some_events_says_so() -> None:
    told = hint_of("events", table(1, events=["Login", "Signup"]), Touched(), 5)
    assert told == "events holds only the events Login, Signup."


@pytest.fixture
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def test_coverage_is_read_again_only_when_something_was_written(loader: Loader) -> None:
    cache = CoverageCache()
    loader.load([], days=(JAN_1, JAN_2))
    assert list(cache.get(loader.cursor, 1, "events").days) == [JAN_1, JAN_2]
    loader.load([], days=(JAN_3, JAN_3))
    assert list(cache.get(loader.cursor, 1, "events").days) == [JAN_1, JAN_2]
    fresh = cache.get(loader.cursor, 2, "events")
    assert list(fresh.days) == [JAN_1, JAN_2, JAN_3]
    assert fresh == coverage.summary(loader.cursor, "events")
