"""Replaced rows do not stay in the file for good, and nobody notices when they go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import anyio
import pytest

from mp_mcp.store import file_size, sweep
from mp_mcp.store.database import Cursor
from mp_mcp.store.open_store import Files, Store
from mp_mcp.store.session import Session
from tests.unit.store.conftest import until
from tests.unit.store.loading import DAY, JAN_1, JAN_2, NOON, line
from tests.unit.store.profile_loading import EVERYBODY, Profiles, entries, spooled

pytestmark = pytest.mark.anyio

ROWS = 40
SHAPE = "SELECT regexp_replace(sql, 'data_[a-z]+', '') FROM duckdb_tables() WHERE table_name = ?"


@pytest.fixture(autouse=True)
def row_groups_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "ROW_GROUP", ROWS)


@asynccontextmanager
async def a_query_under_way(store: Store) -> AsyncIterator[Session]:
    """While it runs, DuckDB leaves deleted rows where they are."""

    def begin(cursor: Cursor) -> None:
        cursor.execute("BEGIN TRANSACTION")
        cursor.execute("SELECT count(*) FROM events").fetchall()

    async with store.database.session() as session:
        await session.run(begin)
        yield session


async def stored(store: Store, table: str) -> int:
    def look(cursor: Cursor) -> int:
        sql = "SELECT estimated_size FROM duckdb_tables() WHERE table_name = ?"
        return int(cursor.execute(sql, [table]).fetchall()[0][0])

    return await store.database.run(look)


async def shape(store: Store, table: str) -> str:
    return str(await store.database.run(lambda cursor: cursor.execute(SHAPE, [table]).fetchone()))


@asynccontextmanager
async def mostly_deleted(store: Store) -> AsyncIterator[None]:
    """Six versions of the same rows, of which one lives."""
    await load(store, "events", 0)
    async with a_query_under_way(store):
        for version in range(1, 6):
            await load(store, "events", version)
        yield


async def run(store: Store, sql: str) -> None:
    await store.database.run(lambda cursor: cursor.execute(sql).fetchall(), write=True)


async def load(
    store: Store, table: str, version: int, *, rows: int = ROWS, day: date = JAN_1
) -> None:
    writer = store.writer()
    noon = NOON + (day - JAN_1).days * DAY
    lines = [
        line("Login", time=noon, number=number, odd=[version, "x"][number % 2])
        for number in range(rows)
    ]
    async with writer.spool() as folder:
        file = folder / "export.jsonl"
        file.write_text("\n".join(lines), encoding="utf-8")
        await writer.load_events(table, [file], days=(day, day))


async def answer(store: Store, table: str = "events") -> list[list[object]]:
    sql = f"SELECT number, odd, insert_id, properties FROM {table} ORDER BY number"
    return (await store.reader().query(sql, limit=1000)).rows


async def test_days_that_are_replaced_all_day_long_do_not_fill_the_file(
    store: Store, files: Files
) -> None:
    await load(store, "events", 0)
    before = await shape(store, "data_events")
    async with a_query_under_way(store) as session:
        for version in range(1, 8):
            await load(store, "events", version)
            await files.sweep()
            assert await stored(store, "data_events") <= 3 * ROWS
        left = await session.run(lambda cursor: cursor.execute("FROM events").fetchall())
    await load(store, "fresh", 7)
    assert await answer(store) == await answer(store, "fresh")
    assert await shape(store, "data_events") == before
    assert len(left) == ROWS


@pytest.mark.parametrize(("deleted", "left"), [(4, 8), (5, 4)])
async def test_a_table_is_written_anew_when_most_of_it_is_deleted(
    store: Store, files: Files, deleted: int, left: int
) -> None:
    await load(store, "events", 0, rows=3 * ROWS, day=JAN_2)
    await load(store, "events", 0)
    async with a_query_under_way(store):
        for version in range(deleted):
            await load(store, "events", version)
        await files.sweep()
        assert await stored(store, "data_events") == left * ROWS


async def test_a_small_table_is_not_worth_a_sweep(store: Store, files: Files) -> None:
    await load(store, "events", 0, rows=5)
    async with a_query_under_way(store):
        for version in range(3):
            await load(store, "events", version, rows=5)
        await files.sweep()
        assert await stored(store, "data_events") == 20


async def test_what_other_programs_made_is_left_alone(store: Store, files: Files) -> None:
    await load(store, "events", 0)
    await run(store, f"CREATE TABLE _mp.data_theirs AS FROM range({9 * ROWS}) AS _(n)")
    await run(store, f"CREATE TABLE _mp.staged_9 AS FROM range({9 * ROWS}) AS _(n)")
    await run(store, "CREATE INDEX theirs ON _mp.data_events (event)")
    async with a_query_under_way(store):
        await run(store, "DELETE FROM _mp.data_theirs")
        await run(store, "DELETE FROM _mp.staged_9")
        for version in range(5):
            await load(store, "events", version)
        await files.sweep()
        assert await stored(store, "data_theirs") == 9 * ROWS
        assert await stored(store, "staged_9") == 9 * ROWS
        assert await stored(store, "data_events") == 6 * ROWS


async def test_where_the_disk_has_no_room_nothing_is_swept_or_merged(
    store: Store, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "ROOM", float("inf"))
    async with mostly_deleted(store):
        await files.tidy()
        assert await stored(store, "data_events") == 6 * ROWS
        assert file_size.of_log(store.database.path) > 0


async def test_a_sweep_that_fails_is_no_harm(
    store: Store, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async with mostly_deleted(store):
        await run(store, "CREATE VIEW _mp.staged_anew AS SELECT 1")
        await files.sweep()
        assert await stored(store, "data_events") == 6 * ROWS
    assert "not swept up" in caplog.text
    assert len(await answer(store)) == ROWS


async def test_profiles_that_change_all_day_long_do_not_fill_the_file(
    store: Store, files: Files
) -> None:
    await load(store, "events", 0)
    async with a_query_under_way(store):
        for version in range(8):
            writer = store.writer()
            people: Profiles = {f"u{number}": {"version": version} for number in range(ROWS)}
            async with writer.spool() as folder:
                await writer.load_profiles("people", spooled(folder, [entries(people)]), EVERYBODY)
            await files.sweep()
            assert await stored(store, "data_people") <= 3 * ROWS
    found = await store.reader().query("SELECT count(*), min(version) FROM people", limit=1)
    assert found.rows == [[ROWS, 7]]


async def test_what_was_swept_is_there_when_the_file_is_opened_again(
    store: Store, files: Files, tmp_path: Path
) -> None:
    async with mostly_deleted(store):
        await files.sweep()
        before = await answer(store)
        # A copy of file and log, as a crash would leave them.
        paths = [str(tmp_path / "data" / name) for name in ("7.db", "7.db.wal")]
        await anyio.run_process(["cp", *paths, str(tmp_path)])
    others = Files()
    copy = others.store(tmp_path / "7.db", spool=tmp_path / "other")
    assert await answer(copy) == before
    await others.close()


async def test_a_quiet_moment_merges_the_log_into_the_file(store: Store, files: Files) -> None:
    await load(store, "events", 3)
    path = store.database.path
    assert file_size.of_log(path) > 0
    await files.tidy()
    assert file_size.of_log(path) == 0
    assert len(await answer(store)) == ROWS


async def test_an_idle_file_is_touched_once_and_then_left_to_be_let_go(
    store: Store, files: Files
) -> None:
    await load(store, "events", 3)
    await files.tidy()
    before = store.database.last_used
    await files.sweep()
    await files.tidy()
    assert store.database.last_used == before


async def test_housekeeping_opens_no_file(store: Store, files: Files) -> None:
    await files.sweep()
    await files.tidy()
    assert not store.database.path.exists()
    await load(store, "events", 0)
    await until(lambda: store.database.is_idle)
    assert await store.database.release()
    await files.sweep()
    await files.tidy()
    assert not store.database.is_open
