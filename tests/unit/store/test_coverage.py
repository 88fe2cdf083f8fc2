"""Which days are complete, for which events, and since when."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from mp_mcp.store import coverage, layout
from mp_mcp.store.schema import utc_now
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
    found = coverage.summary(loader.cursor, "EVENTS")
    assert list(found.days) == [JAN_1, JAN_2, JAN_5]
    assert found.gaps == [(JAN_3, date(2025, 1, 4))]


def test_a_fetch_of_some_events_completes_the_day_for_those_only(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_1))
    loader.load([], days=(JAN_1, JAN_2), events=("A", "B"))
    loader.load([], days=(JAN_3, JAN_3), events=("A",))
    assert covered(loader) == [1]
    assert covered(loader, "A") == [1, 2, 3]
    assert covered(loader, "A", "B") == [1, 2]
    assert covered(loader, "A", "C") == [1]
    found = coverage.summary(loader.cursor, "events")
    assert (list(found.days), found.events) == ([JAN_1], ())


def test_a_table_of_some_events_is_complete_where_all_of_them_are(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_2), events=("A", "B"))
    loader.load([], days=(JAN_3, JAN_3), events=("A",))
    found = coverage.summary(loader.cursor, "events")
    assert (list(found.days), found.events) == ([JAN_1, JAN_2], ("A", "B"))


def test_a_day_is_as_old_as_its_oldest_event(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_1), events=("A", "B"))
    old = datetime(2020, 1, 1)
    loader.cursor.execute("UPDATE _mp.coverage SET fetched_at = ? WHERE event = 'B'", [old])
    times = coverage.days_covered(loader.cursor, "events", JAN_1, JAN_1, events=("A", "B"))
    assert times == {JAN_1: coverage.Covered(old)}


def test_coverage_goes_with_the_table(loader: Loader) -> None:
    loader.load([line(time=NOON + DAY, plan="a")], days=(JAN_1, JAN_2))
    layout.drop_table(loader.cursor, "events")
    assert covered(loader) == []
    assert loader.values("SELECT name FROM _mp.tables") == []
    loader.load([line(n=1)], days=(JAN_3, JAN_3))
    assert loader.values("SELECT n FROM events") == [1.0]
    assert covered(loader) == [3]


def to_fetch(loader: Loader, **wanted: Any) -> list[int]:
    """Days of January that a fetch of its first five would download."""
    days = coverage.days_to_fetch(loader.cursor, "events", coverage.Wanted(JAN_1, JAN_5, **wanted))
    return [day.day for day in days]


def test_only_missing_days_are_fetched(loader: Loader) -> None:
    assert to_fetch(loader) == [1, 2, 3, 4, 5]
    loader.load([], days=(JAN_1, JAN_2))
    loader.load([], days=(JAN_5, JAN_5))
    assert to_fetch(loader) == [3, 4]


def test_a_refresh_fetches_every_day_but_those_of_its_own_job(loader: Loader) -> None:
    loader.load([], days=(JAN_1, JAN_5), job_id="job-a events 2025-01-01..2025-01-05")
    loader.load([], days=(JAN_2, JAN_3), job_id="job-b events 2025-01-02..2025-01-03")
    assert to_fetch(loader, refresh=True) == [1, 2, 3, 4, 5]
    assert to_fetch(loader, refresh=True, job_id="job-b") == [1, 4, 5]


def test_days_that_another_fetch_brought_meanwhile_are_not_fetched_again(loader: Loader) -> None:
    before = utc_now()
    loader.load([], days=(JAN_1, JAN_2))
    assert to_fetch(loader, refresh=True, since=before) == [3, 4, 5]


@pytest.mark.parametrize(
    ("fetched_at", "late_days", "stale"),
    [
        (datetime(2025, 1, 6), 5, [1, 2, 3, 4, 5]),
        (datetime(2025, 1, 7), 5, [2, 3, 4, 5]),
        (datetime(2025, 1, 9, 12), 5, [4, 5]),
        (datetime(2025, 1, 9, 12), 0, []),
    ],
)
def test_days_are_fetched_again_until_late_events_have_had_their_time(
    loader: Loader, fetched_at: datetime, late_days: float, stale: list[int]
) -> None:
    loader.load([], days=(JAN_1, JAN_5), fetched_at=fetched_at)
    assert to_fetch(loader, late_days=late_days) == stale
    found = coverage.summary(loader.cursor, "events")
    assert [day.day for day in found.stale(late_days)] == stale
    assert found.fetched_at == fetched_at


def test_a_table_made_anew_has_only_the_days_of_its_job(loader: Loader) -> None:
    loader.load([line(n=1), line(time=NOON + DAY, n=2)], days=(JAN_1, JAN_2), where="x")
    ids = ("job-a events 1", "job-a events 2", "job-b events 3")
    loader.load([line(n=3)], days=(JAN_1, JAN_1), job_id=ids[0], anew_for="job-a")
    loader.load(
        [line(time=NOON + 2 * DAY, n=4)], days=(JAN_3, JAN_3), job_id=ids[1], anew_for="job-a"
    )
    assert loader.values("SELECT n FROM events ORDER BY n") == [3.0, 4.0]
    assert covered(loader) == [1, 3]
    loader.load([], days=(JAN_2, JAN_2), job_id="job-b 3", anew_for="job-b")
    assert (loader.values("SELECT event FROM events"), covered(loader)) == ([], [2])


def test_two_jobs_that_make_a_table_anew_at_once_drop_it_once_each(loader: Loader) -> None:
    for at, day in enumerate((JAN_1, JAN_2, JAN_3, JAN_5)):
        job = ("job-a", "job-b")[at % 2]
        loader.load([], days=(day, day), job_id=f"{job} {at}", anew_for=job)
    assert covered(loader) == [2, 3, 5]
