"""Files that other programs made or changed: what opening them does, and refuses."""

import asyncio
from pathlib import Path

import duckdb
import pytest

from mp_mcp.errors import DatabaseCorruptError, TableExistsError
from mp_mcp.store.open_store import Store
from mp_mcp.store.schema import has_schema
from tests.unit.store.conftest import until
from tests.unit.store.test_writes import count, export

pytestmark = pytest.mark.anyio


def made_by_another(path: Path, *statements: str) -> bytes:
    path.parent.mkdir(exist_ok=True)
    with duckdb.connect(path) as connection:
        for sql in statements:
            connection.execute(sql)
    return path.read_bytes()


async def released(store: Store) -> None:
    await until(lambda: store.database.is_idle)
    assert await store.database.release()


async def load(store: Store, table: str = "events") -> None:
    writer = store.writer()
    async with writer.spool() as folder:
        await writer.load_events(table, [export(folder, 0, 5)], days=None)


async def test_reading_a_file_of_another_program_leaves_it_as_it_is(store: Store) -> None:
    path = store.database.path
    made_by_another(path, "CREATE VIEW above AS SELECT 1 AS a")
    before = made_by_another(path, "CREATE TABLE old AS SELECT 1 AS a")
    assert (await store.reader().query("FROM old", limit=1)).rows == [[1]]
    assert [table.name for table in await store.reader().tables()] == ["above", "old"]
    await store.writer().ready()
    await released(store)
    assert path.read_bytes() == before


@pytest.mark.parametrize("thing", ["TABLE", "VIEW"])
async def test_one_thing_of_another_program_is_enough(store: Store, thing: str) -> None:
    path = store.database.path
    before = made_by_another(path, f"CREATE {thing} old AS SELECT 1 AS a")
    assert len(await store.reader().tables()) == 1
    await released(store)
    assert path.read_bytes() == before


async def test_the_first_load_into_a_file_of_another_program_makes_the_bookkeeping(
    store: Store,
) -> None:
    made_by_another(store.database.path, "CREATE TABLE old AS SELECT 1 AS a")
    await asyncio.gather(*(load(store, f"events_{number}") for number in range(3)))
    assert await count(store, "events_2") == 5
    assert (await store.reader().query("FROM old", limit=1)).rows == [[1]]


async def test_a_refused_load_leaves_no_bookkeeping_behind(store: Store) -> None:
    made_by_another(store.database.path, "CREATE TABLE old AS SELECT 1 AS a")
    with pytest.raises(TableExistsError):
        await load(store, "old")
    assert not await store.database.run(has_schema)


async def test_a_new_file_has_the_bookkeeping(store: Store) -> None:
    assert await store.database.run(has_schema)


@pytest.mark.parametrize(
    "macro",
    [
        "MACRO lower(x) AS (SELECT octet_length(content) FROM read_blob('{db}'))",
        "MACRO array_extract(a, b) AS (SELECT octet_length(content) FROM read_blob('{db}'))",
        "MACRO duckdb_tables() AS TABLE SELECT * FROM read_blob('{db}')",
        "MACRO duckdb_functions() AS TABLE SELECT 1 AS internal",
        "MACRO current_database() AS (SELECT octet_length(content) FROM read_blob('{db}'))",
        'MACRO "7"."system".upper(x) AS (SELECT octet_length(content) FROM read_blob(\'{db}\'))',
        "MACRO prop(name) AS (SELECT octet_length(content) FROM read_blob('{db}'))",
        "MACRO prop(name) AS (SELECT max(a) FROM v)",
        "MACRO prop(name) AS TABLE SELECT 1 AS a",
    ],
)
async def test_a_function_of_the_file_never_stands_in_for_a_reviewed_one(
    store: Store, macro: str
) -> None:
    path = store.database.path
    made_by_another(path, "CREATE SCHEMA system", "CREATE TABLE v AS SELECT 1 AS a")
    made_by_another(path, "CREATE " + macro.replace("{db}", str(path)))
    for sql in ("SELECT 1", "SELECT lower('A'), [1][1], system.upper('a')", "SHOW TABLES"):
        with pytest.raises(DatabaseCorruptError, match="defines a function") as caught:
            await store.reader().query(sql, limit=1)
        assert "DROP MACRO" in (caught.value.hint or "")
    with pytest.raises(DatabaseCorruptError):
        await store.reader().tables()
    with pytest.raises(DatabaseCorruptError):
        await load(store)


async def test_other_functions_of_the_file_do_no_harm(store: Store) -> None:
    made_by_another(store.database.path, "CREATE MACRO spy() AS 1", "CREATE MACRO prop(a) AS a")
    assert (await store.reader().query("SELECT lower('A')", limit=1)).rows == [["a"]]


async def test_our_own_function_is_let_in_again(store: Store) -> None:
    await load(store)
    await released(store)
    answer = await store.reader().query("SELECT prop('number') FROM events LIMIT 1", limit=1)
    assert answer.rows == [["0.0"]]
