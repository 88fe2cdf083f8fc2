"""Days, duplicates, late rows and job ids."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from mp_mcp.errors import TableExistsError, UsageError
from mp_mcp.store import coverage, load
from tests.unit.store.loading import DAY, JAN_1, JAN_2, JAN_3, NOON, Loader, fresh_loader, line


@pytest.fixture
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def test_a_fetch_fills_the_fixed_columns_from_the_raw_epoch(loader: Loader) -> None:
    report = loader.load(
        [line(distinct_id="u1", **{"$insert_id": "i1"}, plan="team", seats=3)],
        days=(JAN_1, JAN_1),
    )
    assert (report.rows, report.replaced, report.duplicates) == (1, 0, 0)
    assert loader.rows(
        "SELECT event, time, distinct_id, insert_id, day, plan, seats FROM events"
    ) == [("Login", datetime(2025, 1, 1, 12), "u1", "i1", JAN_1, "team", 3.0)]


def test_packed_and_plain_files_load_together(loader: Loader) -> None:
    files = [loader.file([line(n=1)], packed=True), loader.file([line(n=2)]), loader.raw_file(b"")]
    assert loader.swap(loader.stage(files, days=(JAN_1, JAN_1))).rows == 2


def test_an_empty_export_makes_a_complete_empty_day(loader: Loader) -> None:
    assert loader.swap(loader.stage([], days=(JAN_1, JAN_1))).rows == 0
    assert loader.load([], days=(JAN_2, JAN_2)).rows == 0
    assert loader.swap(loader.stage([])).rows == loader.load([]).rows == 0
    assert loader.values("SELECT count(*) FROM events") == [0]
    assert list(coverage.days_covered(loader.cursor, "events", JAN_1, JAN_3)) == [JAN_1, JAN_2]


def test_fetching_a_day_again_changes_nothing_else(loader: Loader) -> None:
    for number, day in enumerate((JAN_1, JAN_2)):
        loader.load([line(time=NOON + DAY * number, n=number), line(n=9)], days=(day, day))
    before = sorted(map(str, loader.objects()))
    report = loader.load([line(time=NOON + DAY, n=1), line(n=9)], days=(JAN_2, JAN_2))
    assert (report.rows, report.replaced, report.clamped) == (2, 2, 1)
    assert sorted(map(str, loader.objects())) == before


def test_late_rows_come_with_the_next_fetch_of_their_day(loader: Loader) -> None:
    loader.load([line(n=1)], days=(JAN_1, JAN_1))
    loader.load([line(n=1), line(n=2), line(time=NOON + DAY, n=3)], days=(JAN_1, JAN_2))
    assert loader.values("SELECT n FROM events ORDER BY n") == [1.0, 2.0, 3.0]


def test_rows_outside_the_days_move_to_the_nearest_and_keep_their_time(loader: Loader) -> None:
    times = (NOON - DAY, NOON, NOON + 2 * DAY)
    report = loader.load([line(time=time) for time in times], days=(JAN_1, JAN_2))
    assert report.clamped == 2
    assert loader.rows("SELECT day, time::DATE FROM events ORDER BY time") == [
        (JAN_1, date(2024, 12, 31)),
        (JAN_1, JAN_1),
        (JAN_2, JAN_3),
    ]


def test_of_duplicates_the_row_processed_last_stays(loader: Loader) -> None:
    def row(processed: int | None, n: int) -> str:
        return line(**{"$insert_id": "i", "mp_processing_time_ms": processed, "n": n})

    report = loader.load([row(5, 1), row(9, 2), row(None, 3), row(9, 4), row(7, 5)])
    assert (report.rows, report.duplicates) == (1, 4)
    assert loader.values("SELECT n FROM events") == [4.0]


@pytest.mark.parametrize(
    "other",
    [
        {"event": "Logout"},
        {"distinct_id": "v"},
        {"distinct_id": None},
        {"$insert_id": "j"},
        {"time": NOON + 1},
    ],
)
def test_rows_that_differ_in_the_key_are_no_duplicates(
    loader: Loader, other: dict[str, object]
) -> None:
    key: dict[str, object] = {
        "event": "Login",
        "time": NOON,
        "distinct_id": "u",
        "$insert_id": "i",
    }
    rows = [keyed(key), keyed(key | other)]
    assert loader.load(rows).rows == 2
    assert loader.load(rows).duplicates == 2


def keyed(key: dict[str, object]) -> str:
    fields = dict(key)
    return line(str(fields.pop("event")), **fields)


def test_rows_without_insert_id_are_never_merged(loader: Loader) -> None:
    assert loader.load([line(distinct_id="u")] * 2).rows == 2
    assert loader.load([line(distinct_id="u")]).duplicates == 0
    assert loader.values("SELECT count(*) FROM events") == [3]


def test_a_load_without_days_adds_and_keeps_the_row_processed_last(loader: Loader) -> None:
    def row(number: int, processed: int, n: int) -> str:
        return line(**{"$insert_id": f"i{number}", "mp_processing_time_ms": processed, "n": n})

    loader.load([row(1, 5, 1), row(2, 5, 2)], days=(JAN_1, JAN_1))
    report = loader.load([row(1, 4, 11), row(2, 6, 12), row(3, 1, 13)])
    assert (report.rows, report.replaced, report.duplicates) == (2, 1, 1)
    assert loader.values("SELECT n FROM events ORDER BY n") == [1.0, 12.0, 13.0]
    again = loader.load([row(1, 4, 11), row(2, 6, 12), row(3, 1, 13)])
    assert (again.rows, again.replaced, again.duplicates) == (0, 0, 3)


def test_a_fetch_of_some_events_replaces_only_those(loader: Loader) -> None:
    days = (JAN_1, JAN_1)
    loader.load([line("A", n=1), line("B", n=2)], days=days)
    report = loader.load([line("A", n=3)], days=days, events=("A", "C"))
    assert (report.rows, report.replaced) == (1, 1)
    assert loader.rows("SELECT event, n FROM events ORDER BY n") == [("B", 2.0), ("A", 3.0)]


def test_other_events_than_asked_for_are_added_once(loader: Loader) -> None:
    days = (JAN_1, JAN_1)
    lines = [line("A", **{"$insert_id": "1"}), line("Other", **{"$insert_id": "2"})]
    loader.load(lines, days=days, events=("A",))
    assert loader.load(lines, days=days, events=("A",)).duplicates == 1
    assert loader.values("SELECT event FROM events ORDER BY 1") == ["A", "Other"]


def test_a_job_that_committed_is_not_done_again(loader: Loader) -> None:
    first = loader.load([line(n=1)], days=(JAN_1, JAN_1), job_id="job")
    loader.load([line(n=2)], days=(JAN_1, JAN_1))
    assert loader.load([line(n=1)], days=(JAN_1, JAN_1), job_id="job") == first
    assert loader.values("SELECT n FROM events") == [2.0]
    assert loader.values("SELECT table_name FROM duckdb_tables() WHERE temporary") == []


def test_a_swap_that_is_rolled_back_leaves_nothing_and_can_be_tried_again(loader: Loader) -> None:
    staged = loader.stage([loader.file([line(n=1)])], days=(JAN_1, JAN_1))
    loader.cursor.execute("BEGIN")
    load.swap_events(loader.cursor, staged, where=None, job_id="job")
    loader.cursor.execute("ROLLBACK")
    assert loader.values("SELECT name FROM _mp.tables") == []
    assert loader.swap(staged, job_id="job").rows == 1
    assert loader.objects() == [{"time": NOON, "n": 1.0}]


@pytest.mark.parametrize(
    "name", ["", "1a", "a b", 'a"b', "a;b", "é", "x" * 64, "a.b", "a\n", "select", "ORDER"]
)
def test_a_name_that_needs_quotes_is_refused(loader: Loader, name: str) -> None:
    with pytest.raises(UsageError):
        loader.stage([], name)


@pytest.mark.parametrize("name", ["columns", "meta", "_mp", "Events", "x" * 63])
def test_any_plain_name_can_be_a_table(loader: Loader, name: str) -> None:
    loader.load([line(n=1)], name)
    loader.load([line(n=2)], name.upper())
    assert loader.values(f'SELECT count(*) FROM main."{name}"') == [2]


@pytest.mark.parametrize("kind", ["TABLE events AS", "VIEW events AS"])
def test_a_table_that_we_did_not_make_is_never_altered(loader: Loader, kind: str) -> None:
    loader.cursor.execute(f"CREATE {kind} SELECT 1 AS a")
    loader.cursor.execute("CREATE TABLE events_2 (a INT)")
    with pytest.raises(TableExistsError) as caught:
        loader.load([line()], "Events")
    assert "Events_3" in str(caught.value.hint)
    assert loader.rows("FROM events") == [(1,)]


def test_a_table_keeps_the_filter_of_its_first_fetch(loader: Loader) -> None:
    days = (JAN_1, JAN_1)
    loader.load([line(n=1)], days=days, where='properties["n"] > 0')
    for other in (None, 'properties["n"] > 1'):
        with pytest.raises(TableExistsError, match="only events where"):
            loader.load([line(n=2)], days=days, where=other)
    loader.load([line(n=3)], days=days, where='properties["n"] > 0')
    assert loader.values("SELECT n FROM events") == [3.0]


def test_a_saved_table_is_never_loaded_into(loader: Loader) -> None:
    loader.cursor.execute("CREATE TABLE kept AS SELECT 1 AS a")
    loader.cursor.execute("INSERT INTO _mp.tables (name, kind) VALUES ('kept', 'saved')")
    with pytest.raises(TableExistsError, match="holds saved"):
        loader.load([line()], "kept")
