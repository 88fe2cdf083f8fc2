"""Which days are complete, for which events, and since when."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from mp_mcp.store import coverage, layout
from tests.unit.store.loading import DAY, JAN_1, JAN_2, JAN_3, NOON, Loader, fresh_loader, line

JAN_5 = date(2025, 1, 5)


@pytest.fixture
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def covered(loader: Loader, *events: str) -> list[int]:
    days = coverage.days_covered(loader.cursor, "events", JAN_1, JAN_5, events=events)
    return [day.day for day in days]


def test_a_table_that_nobody_fetched_covers_nothing(loader: Loader) -> None:
    assert covered(loader) == []
    assert coverage.summary(loader.cursor, "events") == coverage.Summary()


def test_a_load_without_days_completes_no_day(loader: Loader) -> None:
    loader.load([line()])
    assert covered(loader) == []


def test_days_between_fetches_are_missing(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_2))
    loader.load([], days=(JAN_5, JAN_5))
    assert covered(loader) == covered(loader, "A") == [1, 2, 5]
    assert coverage.summary(loader.cursor, "EVENTS") == coverage.Summary(JAN_1, JAN_5, 3, 2)


def test_a_fetch_of_some_events_completes_the_day_for_those_only(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_1))
    loader.load([], days=(JAN_1, JAN_2), events=("A", "B"))
    loader.load([], days=(JAN_3, JAN_3), events=("A",))
    assert covered(loader) == [1]
    assert covered(loader, "A") == [1, 2, 3]
    assert covered(loader, "A", "B") == [1, 2]
    assert covered(loader, "A", "C") == [1]
    assert coverage.summary(loader.cursor, "events") == coverage.Summary(JAN_1, JAN_1, 1, 0)


def test_a_table_of_some_events_is_complete_where_all_of_them_are(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_2), events=("A", "B"))
    loader.load([], days=(JAN_3, JAN_3), events=("A",))
    assert coverage.summary(loader.cursor, "events") == coverage.Summary(JAN_1, JAN_2, 2, 0)


def test_a_day_is_as_old_as_its_oldest_event(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_1), events=("A", "B"))
    old = datetime(2020, 1, 1)
    loader.cursor.execute("UPDATE _mp.coverage SET fetched_at = ? WHERE event = 'B'", [old])
    times = coverage.days_covered(loader.cursor, "events", JAN_1, JAN_1, events=("A", "B"))
    assert times == {JAN_1: old}


def test_coverage_goes_with_the_table(loader: Loader) -> None:
    loader.load([line(time=NOON + DAY, plan="a")], days=(JAN_1, JAN_2))
    layout.drop_table(loader.cursor, "events")
    assert covered(loader) == []
    assert loader.values("SELECT name FROM _mp.tables") == []
    loader.load([line(n=1)], days=(JAN_3, JAN_3))
    assert loader.values("SELECT n FROM events") == [1.0]
    assert covered(loader) == [3]
