"""Replaced rows do not stay in the file for good, and nobody notices when they go."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from mp_mcp.store import file_size, sweep
from mp_mcp.store.database import Cursor
from mp_mcp.store.open_store import Files, Store
from mp_mcp.store.session import Session
from tests.unit.store.conftest import until
from tests.unit.store.loading import JAN_1, line
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


async def load(store: Store, table: str, version: int, *, rows: int = ROWS) -> None:
    writer = store.writer()
    lines = [line("Login", number=number, odd=[version, "x"][number % 2]) for number in range(rows)]
    async with writer.spool() as folder:
        file = folder / "export.jsonl"
        file.write_text("\n".join(lines), encoding="utf-8")
        await writer.load_events(table, [file], days=(JAN_1, JAN_1))


async def answer(store: Store, table: str = "events") -> list[list[object]]:
    sql = f"SELECT number, odd, insert_id, properties FROM {table} ORDER BY number"
    return (await store.reader().query(sql, limit=1000)).rows


async def test_days_that_are_replaced_all_day_long_do_not_fill_the_file(store: Store) -> None:
    await load(store, "events", 0)
    before = await shape(store, "data_events")
    async with a_query_under_way(store) as session:
        for version in range(1, 8):
            await load(store, "events", version)
            assert await stored(store, "data_events") <= 3 * ROWS
        left = await session.run(lambda cursor: cursor.execute("FROM events").fetchall())
    await load(store, "fresh", 7)
    assert await answer(store) == await answer(store, "fresh")
    assert await shape(store, "data_events") == before
    assert len(left) == ROWS


async def test_a_table_that_is_mostly_alive_is_left_alone(store: Store) -> None:
    for table in ("events", "few"):
        await load(store, table, 0, rows=3 * ROWS if table == "events" else 5)
    async with a_query_under_way(store):
        await load(store, "few", 1, rows=5)
        for version in range(1, 3):
            writer = store.writer()
            async with writer.spool() as folder:
                file = folder / "export.jsonl"
                file.write_text(line("Signup", number=version), encoding="utf-8")
                await writer.load_events("events", [file], days=(JAN_1, JAN_1), events=("Signup",))
        assert await stored(store, "data_events") == 3 * ROWS + 2
        assert await stored(store, "data_few") == 10


async def test_profiles_that_change_all_day_long_do_not_fill_the_file(store: Store) -> None:
    await load(store, "events", 0)
    async with a_query_under_way(store):
        for version in range(8):
            writer = store.writer()
            people: Profiles = {f"u{number}": {"version": version} for number in range(ROWS)}
            async with writer.spool() as folder:
                await writer.load_profiles("people", spooled(folder, [entries(people)]), EVERYBODY)
            assert await stored(store, "data_people") <= 3 * ROWS
    found = await store.reader().query("SELECT count(*), min(version) FROM people", limit=1)
    assert found.rows == [[ROWS, 7]]


async def test_what_was_swept_is_there_when_the_file_is_opened_again(
    store: Store, tmp_path: Path
) -> None:
    await load(store, "events", 0)
    async with a_query_under_way(store):
        for version in range(1, 8):
            await load(store, "events", version)
        before = await answer(store)
        # A copy of file and log, as a crash would leave them.
        files = [str(tmp_path / "data" / name) for name in ("7.db", "7.db.wal")]
        await anyio.run_process(["cp", *files, str(tmp_path)])
    others = Files()
    copy = others.store(tmp_path / "7.db", spool=tmp_path / "other")
    assert await answer(copy) == before
    await others.close()


async def test_a_quiet_moment_merges_the_log_into_the_file(store: Store) -> None:
    await load(store, "events", random.randrange(9))
    path = store.database.path
    assert file_size.of_log(path) > 0
    await store.tidy()
    assert file_size.of_log(path) == 0
    assert len(await answer(store)) == ROWS


async def test_a_quiet_moment_opens_no_file(store: Store, files: Files) -> None:
    await files.tidy()
    assert not store.database.path.exists()
    await load(store, "events", 0)
    await until(lambda: store.database.is_idle)
    assert await store.database.release()
    await files.tidy()
    assert not store.database.is_open
