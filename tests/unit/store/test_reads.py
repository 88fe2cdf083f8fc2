import asyncio
import threading

import anyio
import pytest

from mp_mcp.errors import QueryError, TableMissingError
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.open_store import Store
from mp_mcp.store.reads import Limits, Reader
from mp_mcp.store.write_queue import WriteQueue
from tests.unit.store.conftest import until

pytestmark = pytest.mark.anyio

NO_BYTES = Limits(max_bytes=None, max_rows=100_000)


async def table(queue: WriteQueue, select: str, name: str = "t") -> None:
    await queue.submit(lambda cursor: cursor.execute(f"CREATE TABLE {name} AS {select}"))


async def pages(reader: Reader, sql: str, size: int) -> list[list[object]]:
    """Every row, by calls as the hints name them."""
    rows: list[list[object]] = []
    while True:
        page = await reader.query(sql, limit=size, offset=len(rows))
        rows += page.rows
        assert page.row_count == len(page.rows)
        if not page.truncated:
            return rows
        assert f"offset={len(rows)}" in (page.hint or "")


async def test_a_query_answers_with_types_and_rows(store: Store) -> None:
    answer = await store.reader().query("SELECT 1 AS a, 'x' AS b", limit=10)
    assert answer.columns == ["a", "b"]
    assert answer.types == ["INTEGER", "VARCHAR"]
    assert answer.rows == [[1, "x"]]
    assert (answer.row_count, answer.truncated, answer.hint) == (1, False, None)


async def test_exactly_as_many_rows_as_the_limit_are_not_truncated(store: Store) -> None:
    answer = await store.reader().query("FROM range(5)", limit=5)
    assert (answer.row_count, answer.truncated) == (5, False)


async def test_more_rows_than_the_limit_are_truncated(store: Store) -> None:
    answer = await store.reader().query("FROM range(6)", limit=5)
    assert (answer.row_count, answer.truncated) == (5, True)
    assert "query_sql" in (answer.hint or "")
    assert "aggregate" in (answer.hint or "")


async def test_the_readers_own_limit_applies_on_top(store: Store) -> None:
    answer = await store.reader(Limits(max_rows=3)).query("FROM range(9)", limit=1000)
    assert (answer.row_count, answer.truncated) == (3, True)


async def test_bytes_bound_an_answer(store: Store) -> None:
    sql = "SELECT repeat('x', 500) AS a FROM range(1000)"
    answer = await store.reader(Limits(max_bytes=5000)).query(sql, limit=1000)
    assert answer.truncated
    assert 5 <= answer.row_count < 10


async def test_one_huge_cell_is_cut(store: Store) -> None:
    answer = await store.reader().query("SELECT repeat('x', 5000000) AS a", limit=1)
    assert len(answer.rows[0][0]) < 5000
    assert "cut" in answer.rows[0][0]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t",
        "SELECT a, b FROM t WHERE b <> 3",
        "SELECT b, count(*) FROM t GROUP BY b",
        "SELECT a % 500 AS g, min(b) AS m FROM t GROUP BY ALL ORDER BY m",
        "SELECT DISTINCT a % 700 AS g FROM t",
        "SELECT a % 300 AS g FROM t UNION SELECT b FROM t",
        "WITH g AS (SELECT a % 400 AS k, count(*) AS n FROM t GROUP BY 1) SELECT * FROM g",
        "SELECT x.a, y.b FROM t AS x JOIN (FROM t WHERE a % 40 = 0) AS y USING (a)",
        "SELECT a, b FROM t ORDER BY b",
        "SELECT * FROM t ORDER BY a DESC LIMIT 500",
        "DESCRIBE t",
    ],
)
async def test_pages_of_repeated_calls_fit_together(
    store: Store, queue: WriteQueue, sql: str
) -> None:
    await table(queue, "SELECT a, a % 7 AS b FROM range(20000) AS x(a)")
    reader = store.reader(NO_BYTES)
    whole = await reader.query(sql, limit=100_000)
    size = 2 if whole.row_count < 100 else whole.row_count // 3
    rows = await pages(reader, sql, size)
    assert sorted(map(str, rows)) == sorted(map(str, whole.rows))


async def test_pages_bounded_by_bytes_fit_together(store: Store) -> None:
    reader = store.reader(Limits(max_bytes=2000))
    rows = await pages(reader, "SELECT a, repeat('x', a % 100) FROM range(300) AS x(a)", 1000)
    assert [row[0] for row in rows] == list(range(300))


async def test_an_order_that_cannot_be_exact_is_said(store: Store, queue: WriteQueue) -> None:
    await table(queue, "SELECT 1 AS a FROM range(10)")
    answer = await store.reader().query("SELECT * FROM t ORDER BY a", limit=2)
    assert "unique column" in (answer.hint or "")


async def test_values_that_python_cannot_hold_are_exact(store: Store, queue: WriteQueue) -> None:
    await table(queue, "SELECT {'x': 1}::VARIANT AS v")
    sql = """SELECT now() > TIMESTAMPTZ '2020-01-01' AS a,
             TIMESTAMPTZ '2020-01-02 03:04:05+02' AS b,
             INTERVAL 14 MONTH AS c, TIMESTAMP_NS '2020-01-01 00:00:00.123456789' AS d,
             [INTERVAL 1 MONTH] AS e, v AS f, 1 AS f, 2 AS f FROM t"""
    answer = await store.reader().query(sql, limit=1)
    assert answer.columns == ["a", "b", "c", "d", "e", "f", "f", "f"]
    moments = ["2020-01-02T01:04:05+00:00", "1 year 2 months", "2020-01-01T00:00:00.123456789"]
    assert answer.rows == [[True, *moments, ["1 month"], {"x": 1}, 1, 2]]


async def test_infinity_is_not_the_year_9999(store: Store) -> None:
    sql = "SELECT DATE '9999-12-31' AS a, 'infinity'::DATE AS b, TIMESTAMP '2020-01-02' AS c"
    answer = await store.reader().query(sql, limit=1)
    assert answer.rows == [["9999-12-31", "infinity", "2020-01-02T00:00:00"]]
    assert answer.types == ["DATE", "DATE", "TIMESTAMP"]


async def test_integers_that_some_json_readers_round_are_pointed_out(store: Store) -> None:
    sql = "SELECT 9007199254740993 AS a, 1 AS b, '[1, 9007199254740993]'::JSON AS c"
    answer = await store.reader().query(sql, limit=1)
    assert answer.rows == [[2**53 + 1, 1, [1, 2**53 + 1]]]
    assert "in a, c:" in (answer.hint or "")
    assert (await store.reader().query("SELECT 9007199254740991", limit=1)).hint is None


async def test_the_rows_keep_their_order_when_values_are_read_as_text(store: Store) -> None:
    sql = "SELECT to_timestamp(a) AS t, a FROM range(3000) AS x(a) ORDER BY a DESC"
    answer = await store.reader(NO_BYTES).query(sql, limit=5000)
    assert [row[1] for row in answer.rows] == list(range(2999, -1, -1))


async def test_words_in_the_sql_are_no_state_of_the_disk(store: Store) -> None:
    for words in ("No space left", "File too large", "Corrupt", "Permission denied"):
        with pytest.raises(QueryError, match=words):
            await store.reader().query(f"SELECT '{words}'::INT", limit=1)


async def test_a_missing_table_names_the_closest(store: Store, queue: WriteQueue) -> None:
    await table(queue, "SELECT 1 AS a", name="purchases")
    with pytest.raises(TableMissingError, match="no table purchase") as caught:
        await store.reader().query("FROM purchase", limit=1)
    assert "purchases" in (caught.value.hint or "")
    assert "inspect_tables" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("sql", "says", "hint"),
    [
        ("SELECT evnt FROM t", "evnt", "Close: event."),
        ("SELECT x.evnt FROM t AS x", "evnt", "Close: event."),
        ("SELECT properties->>'$a[' FROM t", "JSON path", "prop('$browser')"),
        ("SELECT event::INTEGER FROM t", "Could not convert", "TRY_CAST"),
        ("SELECT sum(event) FROM t", "sum(VARCHAR)", "TRY_CAST"),
        ("SELECT event, count(*) FROM t", "GROUP BY", "GROUP BY ALL"),
        ("SELECT ? FROM t", "no value", "$plan"),
        ("SELEC 1", "syntax error", "SQL"),
        ("SELECT error('boom') FROM t", "boom", "SQL"),
    ],
)
async def test_a_wrong_query_is_explained_in_one_line(
    store: Store, queue: WriteQueue, sql: str, says: str, hint: str
) -> None:
    await table(queue, "SELECT 'a' AS event, '{}'::JSON AS properties")
    with pytest.raises(QueryError) as caught:
        await store.reader().query(sql, limit=1)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("tasks", [2, 8, 32])
async def test_queries_in_flight_get_their_own_rows_while_a_writer_writes(
    store: Store, queue: WriteQueue, tasks: int
) -> None:
    await table(queue, "SELECT 0 AS n")
    reader = store.reader(NO_BYTES)
    answered = threading.Event()
    inside = threading.Event()

    def write(cursor: Cursor) -> None:
        inside.set()
        cursor.execute("INSERT INTO t FROM range(5000)")
        # The transaction is open until every query has answered.
        assert answered.wait(timeout=30)

    writing = asyncio.create_task(queue.submit(write))
    await until(inside.is_set)

    async def ask(number: int) -> None:
        sql = f"SELECT {number} AS n, r, (SELECT count(*) FROM t) FROM range(300) AS x(r)"
        answer = await reader.query(sql, limit=1000)
        assert answer.rows == [[number, r, 1] for r in range(300)]

    with anyio.fail_after(20):
        await asyncio.gather(*(ask(number) for number in range(tasks)))
    answered.set()
    await writing
    assert (await reader.query("SELECT count(*) FROM t", limit=1)).rows == [[5001]]


async def test_reads_leave_no_transaction_behind(database: Database, store: Store) -> None:
    await store.reader().query("FROM range(100000)", limit=5)
    await database.run(lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1"), write=True)
    await database.run(lambda cursor: cursor.execute("CHECKPOINT"), write=True)


async def test_names_follow_what_was_written(store: Store) -> None:
    queue = store.shared.queue
    reader = store.reader()
    for number in range(3):
        await table(queue, f"SELECT {number} AS a", name=f"t{number}")
        assert (await reader.query(f"FROM t{number}", limit=1)).rows == [[number]]
