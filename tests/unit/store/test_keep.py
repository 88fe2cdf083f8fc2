"""Saving and dropping tables: only the copy is a write, and all goes together or not at all."""

import asyncio
import contextlib
import threading

import anyio
import pytest

from mp_mcp.errors import (
    MpError,
    NotReadOnlyError,
    QueryError,
    QueryTimeoutError,
    TableExistsError,
    TableMissingError,
    UsageError,
)
from mp_mcp.store.database import Cursor
from mp_mcp.store.open_store import Store
from mp_mcp.store.reads import Limits
from tests.unit.store.conftest import until
from tests.unit.store.loading import line
from tests.unit.store.tables import load, value
from tests.unit.store.test_database import ENDLESS

pytestmark = pytest.mark.anyio


async def names(store: Store) -> dict[str, str]:
    return {table.name: table.kind for table in await store.reader().tables()}


async def bookkeeping(store: Store) -> dict[str, object]:
    """Rows of our own about each kind of thing."""
    parts = ("tables", "columns", "coverage", "loads")
    return {
        part: (
            await store.database.run(
                lambda cursor, part=part: cursor.execute(  # type: ignore[misc]
                    f"SELECT count(*) FROM _mp.{part}"
                ).fetchall()
            )
        )[0][0]
        for part in parts
    }


async def test_a_select_is_kept_as_a_table(store: Store) -> None:
    await load(store, [line(plan=plan) for plan in "aab"])
    sql = "SELECT plan, count(*) AS n FROM events GROUP BY ALL ORDER BY plan -- the end"
    saved = await store.writer().save("plans", sql)
    assert (saved.table, saved.rows, saved.columns, saved.replaced) == ("plans", 2, 2, False)
    found = await store.reader().query("FROM plans", limit=9)
    assert found.rows == [["a", 2], ["b", 1]]
    assert await names(store) == {"events": "events", "plans": "saved"}


@pytest.mark.parametrize(
    "sql",
    [
        "FROM range(3)",
        "VALUES (1), (2)",
        "WITH x AS (SELECT 1) FROM x",
        "SELECT 1 AS a, 2 AS a",
        "SELECT NULL AS nothing",
        "(SELECT 1)",
        "SELECT '{}'::JSON AS j, {'a': [1]} AS s, 1::HUGEINT AS h, 'a'::ENUM ('a') AS e",
    ],
)
async def test_any_select_can_be_kept(store: Store, sql: str) -> None:
    whole = await store.reader().query(sql, limit=9)
    await store.writer().save("kept", sql)
    assert (await store.reader().query("FROM kept", limit=9)).rows == whole.rows


async def test_a_saved_table_is_replaced_only_on_request(store: Store) -> None:
    writer = store.writer()
    await writer.save("kept", "SELECT 1 AS a")
    with pytest.raises(TableExistsError) as caught:
        await writer.save("KEPT", "SELECT 2 AS a")
    assert "replace" in (caught.value.hint or "")
    assert await value(store, "SELECT a FROM kept") == 1
    saved = await writer.save("Kept", "SELECT a + 1 AS a, 'x' AS b FROM kept", replace=True)
    assert (saved.replaced, saved.columns) == (True, 2)
    assert await value(store, "SELECT a FROM kept") == 2
    assert await names(store) == {"Kept": "saved"}


@pytest.mark.parametrize("replace", [False, True])
async def test_fetched_tables_and_those_of_others_are_never_replaced(
    store: Store, replace: bool
) -> None:
    await load(store, [line()])
    await store.shared.queue.submit(lambda cursor: cursor.execute("CREATE TABLE theirs (a INT)"))
    for name in ("events", "EVENTS", "theirs"):
        with pytest.raises(TableExistsError) as caught:
            await store.writer().save(name, "SELECT 1", replace=replace)
        assert "for instance" in (caught.value.hint or "")
    assert await value(store, "SELECT count(*) FROM events") == 1


async def test_a_fetch_never_replaces_a_saved_table(store: Store) -> None:
    await store.writer().save("kept", "SELECT 1 AS a")
    with pytest.raises(TableExistsError):
        await load(store, [line()], table="kept")
    assert await value(store, "SELECT a FROM kept") == 1


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x", NotReadOnlyError),
        ("DELETE FROM events", NotReadOnlyError),
        ("EXPLAIN SELECT 1", NotReadOnlyError),
        ("SELECT 1; DROP VIEW events", QueryError),
        ("SELECT 1) ; DROP VIEW events; --", QueryError),
        ("FROM read_blob('/etc/passwd')", NotReadOnlyError),
        ("SELECT nope FROM events", QueryError),
        ("SELECT $x", QueryError),
        ("SELECT error('at run time') FROM events", QueryError),
    ],
)
async def test_what_is_no_plain_select_keeps_nothing(
    store: Store, sql: str, error: type[MpError]
) -> None:
    await load(store, [line()])
    before = await bookkeeping(store)
    with pytest.raises(error):
        await store.writer().save("kept", sql)
    assert await names(store) == {"events": "events"}
    assert await bookkeeping(store) == before
    assert await value(store, "SELECT count(*) FROM events") == 1


async def test_a_bad_name_is_refused_before_the_select_runs(store: Store) -> None:
    with anyio.fail_after(5), pytest.raises(UsageError):
        await store.writer().save("no name", ENDLESS)


async def test_a_select_stops_at_its_time_limit_and_keeps_nothing(store: Store) -> None:
    writer = store.writer(Limits(timeout_s=0.1))
    with pytest.raises(QueryTimeoutError):
        await writer.save("kept", ENDLESS)
    assert await names(store) == {}
    await until(lambda: store.database.is_idle)


async def test_the_select_waits_for_no_writer_and_no_writer_for_it(store: Store) -> None:
    await load(store, [line()])
    inside, go_on = threading.Event(), threading.Event()

    def write(_: Cursor) -> None:
        inside.set()
        assert go_on.wait(timeout=20)

    writing = asyncio.create_task(store.shared.queue.submit(write))
    await until(inside.is_set)
    with pytest.raises(QueryError):  # it ran, although a writer writes
        await store.writer().save("kept", "SELECT error('ran')")
    go_on.set()
    await writing
    saving = asyncio.create_task(store.writer().save("kept", ENDLESS))
    await until(lambda: store.database.status().running > 0)
    with anyio.fail_after(10):
        await load(store, [line(), line()], table="other")
    saving.cancel()
    await asyncio.wait([saving])
    assert await names(store) == {"events": "events", "other": "events"}


async def test_saves_of_one_name_at_once_make_one_table(store: Store) -> None:
    saves = [store.writer().save("kept", f"SELECT {n} AS a") for n in range(6)]
    found = await asyncio.gather(*saves, return_exceptions=True)
    errors = [error for error in found if isinstance(error, BaseException)]
    assert len(errors) == 5
    assert {type(error) for error in errors} == {TableExistsError}
    assert await value(store, "SELECT count(*) FROM kept") == 1


async def test_a_dropped_table_leaves_nothing_behind(store: Store) -> None:
    before = await bookkeeping_of_a_fresh_file(store)
    await load(store, [line(plan="a")])
    await store.writer().save("kept", "FROM events")
    dropped = await store.writer().drop(["EVENTS", "kept", "Kept"])
    assert [(table.name, table.kind, table.rows) for table in dropped] == [
        ("events", "events", 1),
        ("kept", "saved", 1),
    ]
    assert await names(store) == {}
    assert await bookkeeping(store) == before
    await load(store, [line(), line()])
    assert await value(store, "SELECT count(*) FROM events") == 2


async def bookkeeping_of_a_fresh_file(store: Store) -> dict[str, object]:
    await store.writer().ready()
    return await bookkeeping(store)


@pytest.mark.parametrize(
    ("other", "error", "hint"),
    [
        ("evnts", TableMissingError, "Close: events"),
        ("theirs", UsageError, "program that made it"),
        ("above", UsageError, "program that made it"),
        ("_mp.tables", TableMissingError, "inspect_tables"),
    ],
)
async def test_several_tables_are_dropped_together_or_not_at_all(
    store: Store, other: str, error: type[MpError], hint: str
) -> None:
    def make(cursor: Cursor) -> None:
        cursor.execute("CREATE TABLE theirs AS SELECT 1 AS a")
        cursor.execute("CREATE VIEW above AS FROM theirs")

    await load(store, [line()])
    await store.shared.queue.submit(make)
    with pytest.raises(error) as caught:
        await store.writer().drop(["events", other])
    assert hint in (caught.value.hint or "")
    assert set(await names(store)) == {"events", "theirs", "above"}
    assert await value(store, "SELECT count(*) FROM events") == 1


async def test_queries_go_on_with_a_table_that_is_dropped_meanwhile(store: Store) -> None:
    await load(store, [line(n=n) for n in range(2000)])
    rows = asyncio.create_task(
        store.reader(Limits(max_rows=9999, max_bytes=None)).query("FROM events", limit=9999)
    )
    await store.writer().drop(["events"])
    with contextlib.suppress(TableMissingError):  # when it came later than the drop
        assert (await rows).row_count == 2000
    assert await names(store) == {}
