from pathlib import Path

import anyio
import pytest

from mp_mcp.errors import MpError, NotReadOnlyError, QueryError, TableMissingError
from mp_mcp.store.catalog import Names
from mp_mcp.store.guard import Guard
from mp_mcp.store.guard_names import OUR_FUNCTIONS, functions
from mp_mcp.store.open_store import Store
from mp_mcp.store.parser import built_in_functions
from mp_mcp.store.reads import Limits
from mp_mcp.store.write_queue import WriteQueue
from tests.unit.store.conftest import until
from tests.unit.store.harmless import HARMLESS
from tests.unit.store.hostile import HOSTILE, RUNAWAYS, filled_in, make_places

REVIEWED = Path(__file__).with_name("reviewed_functions.txt")

LISTED = Names("7", frozenset({("main", "t")}), {}, ("t",))


def judge(sql: str, names: Names = LISTED) -> None:
    guard = Guard()
    guard.check_names(guard.check(sql), names)


@pytest.mark.anyio
async def test_hostile_sql_changes_nothing(store: Store, queue: WriteQueue, tmp_path: Path) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS a"))
    spool = tmp_path / "spool"
    make_places(spool)
    for template in HOSTILE:
        sql = filled_in(template, store.database.path, spool)
        with pytest.raises(MpError) as caught:
            await store.reader(Limits(timeout_s=10)).query(sql, limit=10)
        assert caught.value.hint, sql[:100]
        assert "\n" not in caught.value.message
    answer = await store.reader().query("SELECT list(a) FROM t", limit=1)
    assert answer.rows == [[[1]]]
    assert [file.name for file in spool.iterdir()] == ["in.csv"]
    assert [info.name for info in await store.reader().tables()] == ["t"]


@pytest.mark.anyio
async def test_harmless_sql_runs(store: Store, queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS FROM range(1, 9) AS r(a)"))
    reader = store.reader(Limits(max_bytes=None))
    for sql in HARMLESS:
        try:
            await reader.query(sql, limit=3)
        except MpError as error:
            pytest.fail(f"{sql}: {error}")


@pytest.mark.anyio
@pytest.mark.parametrize("sql", RUNAWAYS[:4])
async def test_after_a_runaway_the_next_query_is_fine(store: Store, sql: str) -> None:
    with pytest.raises(MpError):
        await store.reader(Limits(timeout_s=0.1)).query(sql, limit=1)
    assert (await store.reader().query("SELECT 1", limit=1)).rows == [[1]]
    await until(lambda: store.database.is_idle)


@pytest.mark.anyio
async def test_views_that_others_made_are_judged_too(store: Store, queue: WriteQueue) -> None:
    def views(cursor: object) -> None:
        for sql in (
            "CREATE TABLE t AS SELECT 1 AS a",
            "CREATE VIEW good AS SELECT a FROM t",
            'CREATE VIEW "odd AS name" AS FROM good',
            'CREATE VIEW "odd AS SELECT 1 --" (n, "m)") AS SELECT *, 1 FROM duckdb_logs()',
            "CREATE VIEW acting AS SELECT * FROM duckdb_logs()",
            "CREATE VIEW above AS SELECT * FROM acting",
        ):
            cursor.execute(sql)  # type: ignore[attr-defined]

    await queue.submit(views)
    reader = store.reader()
    assert (await reader.query("FROM good", limit=1)).rows == [[1]]
    assert (await reader.query('FROM "odd AS name"', limit=1)).rows == [[1]]
    for name in ("acting", "above", '"odd AS SELECT 1 --"'):
        with pytest.raises(NotReadOnlyError, match="duckdb_logs"):
            await reader.query(f"FROM {name}", limit=1)


HIDING = Names(
    "7",
    frozenset({("main", "t"), ("main", "v"), ("main", "good"), ("main", "self")}),
    {
        ("main", "v"): "CREATE VIEW v AS SELECT * FROM read_blob('7.db');",
        ("main", "good"): "CREATE VIEW good AS SELECT a FROM t;",
        ("main", "self"): 'CREATE VIEW "self" AS WITH "self" AS (SELECT 1) SELECT * FROM "self";',
    },
    ("t", "v", "good", "self"),
)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM (WITH v AS (SELECT 1) SELECT * FROM v) a, v b",
        "SELECT (WITH v AS (SELECT 1) SELECT 1), * FROM v",
        "FROM v UNION ALL (WITH V AS (SELECT 1) FROM v)",
        "WITH x AS (WITH v AS (SELECT 1) FROM v) FROM v",
        "WITH v AS (SELECT * FROM v) SELECT * FROM v",
    ],
)
def test_a_name_in_another_scope_hides_no_view_of_others(sql: str) -> None:
    with pytest.raises(NotReadOnlyError, match="read_blob"):
        judge(sql, HIDING)


def test_a_name_in_another_scope_hides_no_view_of_duckdb() -> None:
    for name in ("duckdb_logs", "pragma_database_list"):
        with pytest.raises(TableMissingError, match=name):
            judge(f"SELECT * FROM (WITH {name} AS (SELECT 1) FROM {name}) a, {name} b", HIDING)


def test_a_name_that_a_harmless_view_has_can_be_defined_again() -> None:
    for name in ("good", "t", "self", "duckdb_tables", "anything"):
        judge(f'WITH "{name}" AS (SELECT 1) FROM "{name}"', HIDING)


@pytest.mark.anyio
async def test_functions_that_others_defined_are_not_called(
    store: Store, queue: WriteQueue
) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE MACRO spy() AS 1"))
    with pytest.raises(QueryError, match="no function spy"):
        await store.reader().query("SELECT spy()", limit=1)


@pytest.mark.parametrize(
    ("sql", "says", "hint"),
    [
        ("SELECT 1; SELECT 2", "2 statements", "one by one"),
        ("", "0 statements", "one by one"),
        ("CREATE TABLE u AS SELECT 1", "Only one SELECT", "save_table"),
        ("COPY t TO 'x.csv'", "Only one SELECT", "mp load"),
        ("PIVOT t ON a USING count(*)", "Only one SELECT", "IN ('a', 'b')"),
        ("WITH x AS (DELETE FROM t RETURNING *) FROM x", "only reads", "fetch_events"),
        ("FROM 'events.csv'", "cannot read files", "mp load"),
        ("FROM read_csv('x')", "read_csv is not available", "mp load"),
        ("SELECT uper('a')", "no function uper", "upper"),
        ("SELECT json_contains(a, '1') FROM t", "json_contains is not available", "list_contains"),
        ("SELECT a::VARIANT FROM t", "VARIANT", "as JSON"),
        ("SELECT from_json(a, a) FROM t", "from_json takes its structure", "Write it out"),
        ("FROM " + "(" * 300 + "t" + ")" * 300, "more than 200 brackets", "WITH parts"),
        ("SELECT '\ud800'", "half of a character", "valid Unicode"),
        ("FROM tt", "no table tt", "Close: t."),
    ],
)
def test_a_refusal_teaches(sql: str, says: str, hint: str) -> None:
    with pytest.raises(MpError) as caught:
        judge(sql)
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_missing_table_is_named_before_anything_is_fetched() -> None:
    with pytest.raises(TableMissingError) as caught:
        judge("FROM events", Names("7", frozenset(), {}, ()))
    assert "fetch_events" in (caught.value.hint or "")


def test_a_name_in_another_file_is_no_table() -> None:
    with pytest.raises(TableMissingError):
        judge("FROM other.main.t")


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT from_json(a, \'{"plan": "VARCHAR", "b": ["JSON"]}\') FROM t',
        'SELECT json_transform_strict(a, \'{"a": "INT"}\') FROM t',
        "SELECT a FROM t WHERE a IN (" + ", ".join(["':('"] * 300) + ")",
        "SELECT " + "(" * 150 + "a" + ")" * 150 + " FROM t",
        "SELECT " + "(a), [a], " * 300 + "1 FROM t",
    ],
)
def test_brackets_and_structures_of_usual_size_pass(sql: str) -> None:
    judge(sql)


def test_a_judgement_is_remembered() -> None:
    guard = Guard()
    assert guard.check("SELECT 1") is guard.check("SELECT 1")


def test_every_function_of_duckdb_was_looked_at() -> None:
    """When this fails: read what the new functions do, deny those that reach out or act."""
    here = {f"{kind} {name}" for name, kind in built_in_functions()}
    assert sorted(here - set(REVIEWED.read_text(encoding="utf-8").splitlines())) == []


def test_no_function_of_duckdb_has_the_name_of_one_of_ours() -> None:
    assert OUR_FUNCTIONS.isdisjoint(name for name, _ in built_in_functions())
    assert functions() > OUR_FUNCTIONS


def test_many_threads_can_judge_at_once() -> None:
    guard = Guard()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(anyio.to_thread.run_sync, guard.check, f"SELECT {number} FROM t")

    anyio.run(main)
