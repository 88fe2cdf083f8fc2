import asyncio
from datetime import date
from pathlib import Path

import duckdb
import pytest

from mp_mcp.store import catalog
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.open_store import Files, Store
from mp_mcp.store.write_queue import WriteQueue
from tests.unit.store.loading import JAN_1, JAN_2, line

pytestmark = pytest.mark.anyio


async def load(store: Store, table: str = "events", *, where: str | None = None) -> None:
    writer = store.writer()
    async with writer.spool() as folder:
        file = folder / "export.jsonl"
        file.write_text("".join(line(number=n) + "\n" for n in range(3)))
        await writer.load_events(table, [file], days=(JAN_1, JAN_2), where=where)


async def test_an_empty_file_has_no_tables(store: Store) -> None:
    assert await store.reader().tables() == []


async def test_a_fetched_table_shows_rows_days_and_filter(store: Store) -> None:
    await load(store, where="x > 1")
    (events,) = await store.reader().tables()
    assert (events.name, events.kind, events.rows) == ("events", "events", 3)
    assert (events.first_day, events.last_day, events.days) == (JAN_1, date(2025, 1, 2), 2)
    assert (events.missing_days, events.where) == (0, "x > 1")
    assert events.columns > 5
    assert events.fetched_at is not None
    await load(store, where="x > 1")
    (again,) = await store.reader().tables()
    assert again.fetched_at is not None
    assert again.fetched_at > events.fetched_at


async def test_tables_that_others_made_are_listed_as_other(store: Store, queue: WriteQueue) -> None:
    def make(cursor: Cursor) -> None:
        cursor.execute("CREATE TABLE theirs AS FROM range(5)")
        cursor.execute("CREATE VIEW above AS FROM theirs")

    await queue.submit(make)
    above, theirs = await store.reader().tables()
    assert (theirs.name, theirs.kind, theirs.rows, theirs.columns) == ("theirs", "other", 5, 1)
    assert (above.name, above.kind, above.rows) == ("above", "other", None)


async def test_our_bookkeeping_is_not_listed(store: Store, queue: WriteQueue) -> None:
    await load(store)
    found = await store.database.run(catalog.names)
    assert found.listed == ("events",)
    assert found.foreign_views == {}
    assert ("_mp", "tables") in found.tables


async def test_a_file_of_an_older_program_is_read(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "8.db"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE old AS SELECT 1 AS a")
    store = files.store(path, spool=tmp_path / "spool")
    assert [table.name for table in await store.reader().tables()] == ["old"]
    assert (await store.reader().query("FROM old", limit=1)).rows == [[1]]


async def test_a_path_names_a_table_in_any_spelling(database: Database, queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute('CREATE TABLE "Big" AS SELECT 1 AS a'))
    names = await database.run(catalog.names)
    assert names.key(("big",)) == names.key(("main", "big")) == ("main", "big")
    assert names.key(("7", "main", "big")) == names.key(("7", "big")) == ("main", "big")
    assert names.key(("8", "main", "big")) is None
    assert names.key(("_mp", "big")) is None


async def test_tables_are_listed_while_others_come_and_go(store: Store) -> None:
    async def come_and_go(name: str) -> None:
        for _ in range(15):
            await store.writer().save(name, "FROM range(10)")
            await store.writer().drop([name])

    async def list_them(done: asyncio.Event) -> None:
        while not done.is_set():
            assert {table.rows for table in await store.reader().tables()} <= {10}

    done = asyncio.Event()
    listing = [asyncio.create_task(list_them(done)) for _ in range(3)]
    await asyncio.gather(*(come_and_go(f"t{n}") for n in range(3)))
    done.set()
    await asyncio.gather(*listing)
    assert await store.reader().tables() == []
