"""Tables whose times are those of the project's own clock."""

from collections.abc import Iterator

import pytest

from mp_mcp.errors import UsageError
from mp_mcp.store import layout, local_time, schema
from tests.unit.store.loading import JAN_1, NOON, Loader, fresh_loader, line

JULY = 1751371200  # 2025-07-01 12:00:00 on the clock


@pytest.fixture
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def show_utc(loader: Loader, zone: str) -> None:
    local_time.note_zone(loader.cursor, "events", zone)
    layout.refresh_view(loader.cursor, "events", layout.properties_of(loader.cursor, "events"))


def test_time_utc_follows_the_zone_through_summer_and_winter(loader: Loader) -> None:
    loader.load([line(time=NOON), line(time=JULY)])
    show_utc(loader, "America/New_York")
    assert loader.values("SELECT time_utc::VARCHAR FROM events ORDER BY time") == [
        "2025-01-01 17:00:00",
        "2025-07-01 16:00:00",
    ]


def test_time_and_day_stay_as_they_were_sent(loader: Loader) -> None:
    loader.load([line()])
    before = loader.rows("SELECT time, day, properties FROM events")
    show_utc(loader, "Asia/Tokyo")
    assert loader.rows("SELECT time, day, properties FROM events") == before


def test_later_loads_keep_the_column(loader: Loader) -> None:
    loader.load([line()], days=(JAN_1, JAN_1))
    show_utc(loader, "Asia/Tokyo")
    loader.load([line(plan="new")], days=(JAN_1, JAN_1))
    assert loader.rows("SELECT plan, time_utc::VARCHAR FROM events") == [
        ("new", "2025-01-01 03:00:00")
    ]


def test_a_property_of_that_name_keeps_it(loader: Loader) -> None:
    loader.load([line(time_utc="mine")])
    show_utc(loader, "UTC")
    assert loader.rows("SELECT time_utc, time_utc_2::VARCHAR FROM events") == [
        ("mine", "2025-01-01 12:00:00")
    ]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "x'; DROP TABLE events; --"])
def test_an_unknown_zone_is_refused(loader: Loader, zone: str) -> None:
    loader.load([line()])
    with pytest.raises(UsageError, match="no time zone"):
        show_utc(loader, zone)


def test_a_file_of_the_former_layout_learns_zones(loader: Loader) -> None:
    loader.load([line()])
    loader.cursor.execute("ALTER TABLE _mp.tables DROP COLUMN zone")
    loader.cursor.execute("UPDATE _mp.meta SET value = '1' WHERE name = 'version'")
    schema.ensure_schema(loader.cursor)
    show_utc(loader, "Asia/Tokyo")
    assert loader.values("SELECT time_utc::VARCHAR FROM events") == ["2025-01-01 03:00:00"]
