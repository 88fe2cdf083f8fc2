"""What a table looks like: outline, summary, rows and one column, bounded on big tables."""

from typing import Any

import pytest

from mp_mcp.errors import NotReadOnlyError, QueryError, TableMissingError
from mp_mcp.results import Rows
from mp_mcp.store.database import Cursor
from mp_mcp.store.layout import MAX_COLUMNS
from mp_mcp.store.open_store import Store
from mp_mcp.store.reads import Limits
from mp_mcp.store.rest_keys import MOST_ROWS
from tests.unit.store.loading import NOON, line
from tests.unit.store.tables import load, value

pytestmark = pytest.mark.anyio

BIG = 300_000


def by_name(found: Rows) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}


async def make(store: Store, *statements: str) -> None:
    def run(cursor: Cursor) -> None:
        for statement in statements:
            cursor.execute(statement)

    await store.shared.queue.submit(run)


async def big_table(store: Store) -> None:
    """An event table of many rows, by copying few."""
    rows = [line(number=n, half=n if n % 2 else None, time=NOON + n) for n in range(1000)]
    await load(store, rows)
    copies = f"SELECT e.* FROM _mp.data_events e, range({BIG // 1000})"
    await make(store, f"INSERT INTO _mp.data_events {copies}")


async def test_the_outline_has_columns_first_then_properties_without_one(store: Store) -> None:
    many = {f"filler_{n:03}": n for n in range(MAX_COLUMNS + 10)}
    rows = [line(**many, a_plan="pro", **({"rare": [1]} if n == 0 else {})) for n in range(40)]
    await load(store, rows)
    found = by_name(await store.reader().schema("EVENTS"))
    assert list(found)[:5] == ["event", "time", "distinct_id", "insert_id", "day"]
    assert "_rest" not in found
    assert found["a_plan"] | {"samples": ["pro"], "share": 1.0, "sql": "a_plan"} == found["a_plan"]
    assert found["rare"]["sql"] == "prop('rare')"
    assert (found["rare"]["type"], found["rare"]["share"]) == ("property", 0.025)
    assert set(many) <= set(found)
    assert list(found)[-1] != "properties", "properties without a column come last"
    counts = ", ".join(f"count({row['sql']})" for row in found.values())
    counted = (await store.reader().query(f"SELECT {counts} FROM events", limit=1)).rows[0]
    assert counted == pytest.approx([40 * row["share"] for row in found.values()])


async def test_a_name_that_differs_by_case_is_written_as_its_column(store: Store) -> None:
    await load(store, [line(plan="a", Plan="b", Time="c")])
    found = by_name(await store.reader().schema("events"))
    shown = {name: await value(store, f"SELECT {found[name]['sql']} FROM events") for name in found}
    assert (shown["plan"], shown["Plan"], shown["Time"]) == ("a", "b", "c")


async def test_a_big_table_is_estimated_from_rows_all_over_it(store: Store) -> None:
    await big_table(store)
    outline = await store.reader().schema("events")
    assert "estimated" in (outline.hint or "")
    found = by_name(outline)
    assert found["number"]["share"] == 1.0
    assert found["half"]["share"] == pytest.approx(0.5, abs=0.05)
    assert found["number"]["samples"]
    summary = by_name(await store.reader().describe("events"))
    assert 10_000 < summary["number"]["count"] <= MOST_ROWS * 1.2
    assert summary["number"]["mean"] == pytest.approx(499.5, rel=0.1)
    days = [row[1] for row in (await store.reader().sample("events", 50)).rows]
    assert len(set(days)) > 20, "rows from one place"


async def test_the_summary_has_what_fits_the_type(store: Store) -> None:
    rows = [line(n=n, word="ab"[n % 2], yes=n < 3, list=[n], time=NOON + n) for n in range(8)]
    await load(store, [*rows, line(event="Login", time=NOON + 9)])
    found = by_name(await store.reader().describe("events"))
    number = found["n"]
    assert (number["count"], number["min"], number["max"], number["mean"]) == (8, 0.0, 7.0, 3.5)
    assert (number["q25"], number["median"], number["q75"]) == (1.75, 3.5, 5.25)
    assert number["null_share"] == pytest.approx(1 / 9, abs=0.001)
    assert (found["word"]["distinct"], found["word"]["min"], found["word"]["max"]) == (2, "a", "b")
    assert (found["event"]["top"], found["yes"]["mean"]) == ("Login", 0.375)
    assert found["time"]["min"] == "2025-01-01T12:00:00"
    assert (found["list"]["count"], found["list"]["min"]) == (8, None)


async def test_a_sample_shows_whole_events(store: Store) -> None:
    await load(store, [line(n=n, deep={"a": [n]}, time=NOON + n) for n in range(100)])
    found = await store.reader().sample("events", 7)
    assert found.columns == ["event", "time", "distinct_id", "insert_id", "day", "properties"]
    assert found.row_count == 7
    for row in found.rows:
        assert row[5]["deep"] == {"a": [row[5]["n"]]}
    other = await store.reader().sample("events", 7)
    assert other.rows != found.rows or (await store.reader().sample("events", 7)).rows != other.rows


async def test_a_sample_of_a_table_of_others_shows_its_columns(store: Store) -> None:
    await make(store, "CREATE TABLE t AS SELECT range AS a, INTERVAL 1 MONTH AS b FROM range(3)")
    found = await store.reader().sample("t", 10)
    assert (found.columns, found.types) == (["a", "b"], ["BIGINT", "INTERVAL"])
    assert sorted(row[0] for row in found.rows) == [0, 1, 2]
    assert found.rows[0][1] == "1 month"


async def test_a_column_is_counted_exactly(store: Store) -> None:
    await load(store, [line(plan=plan) for plan in "aabbbc"] + [line(), line(plan=None)])
    found = await store.reader().column("events", "plan", top=2)
    assert (found.rows, found.nulls, found.distinct) == (8, 2, 3)
    assert (found.min, found.max, found.types) == ("a", "c", {"VARCHAR": 6})
    assert [(top.value, top.count, top.share) for top in found.top] == [
        ("b", 3, 0.375),
        ("a", 2, 0.25),
    ]


async def test_values_that_a_column_cannot_show_are_named_by_type(store: Store) -> None:
    await load(store, [*(line(n=n) for n in range(5)), line(n="five"), line(n=[6])])
    found = await store.reader().column("events", "n", top=10)
    assert found.types == {"DOUBLE": 5, "JSON string": 1, "JSON array": 1}
    await load(store, [*(line(t="x") for _ in range(5)), line(t=1)], table="texts")
    found = await store.reader().column("texts", "t", top=10)
    assert found.types == {"VARCHAR": 5, "JSON number": 1}
    assert found.rows - found.nulls == 6


async def test_a_property_without_a_column_is_read_from_the_rest(store: Store) -> None:
    many = {f"filler_{n:03}": n for n in range(MAX_COLUMNS + 10)}
    odd: list[object] = ["x", "x", 7, None, {"a": 1}]
    rows = [line(**many, **{"rare/one": one}) for one in odd] + [line(**many)] * 200
    await load(store, rows)
    found = await store.reader().column("events", "rare/one", top=5)
    assert (found.sql, found.rows, found.nulls) == ("prop('rare/one')", 205, 201)
    assert found.types == {"JSON string": 2, "JSON number": 1, "JSON object": 1}
    assert (found.top[0].value, found.top[0].count) == ("x", 2)
    assert {"a": 1} in [top.value for top in found.top]


async def test_a_wrong_column_names_the_closest(store: Store) -> None:
    await load(store, [line(plan="a", **{"$city": "x"})])
    with pytest.raises(QueryError, match="no column or property 'plam'") as caught:
        await store.reader().column("events", "plam", top=1)
    assert "Close: plan" in (caught.value.hint or "")
    with pytest.raises(QueryError) as caught:
        await store.reader().column("events", "city", top=1)
    assert '"$city"' in (caught.value.hint or "")
    with pytest.raises(QueryError):
        await store.reader().column("events", "_rest'; DROP TABLE x", top=1)


@pytest.mark.parametrize("kind", ["schema", "describe"])
async def test_a_missing_table_names_the_closest(store: Store, kind: str) -> None:
    await load(store, [line()])
    with pytest.raises(TableMissingError) as caught:
        await getattr(store.reader(), kind)("evnts")
    assert "Close: events" in (caught.value.hint or "")


async def test_a_view_of_another_program_is_judged_before_it_is_looked_at(store: Store) -> None:
    await make(
        store,
        "CREATE TABLE t AS SELECT 1 AS a",
        "CREATE VIEW good AS SELECT a FROM t",
        "CREATE SEQUENCE s",
        "CREATE VIEW acting AS SELECT nextval('s') AS a",
    )
    assert [row[0] for row in (await store.reader().schema("good")).rows] == ["a"]
    assert (await store.reader().column("good", "a", top=1)).rows == 1
    for look in (store.reader().schema, store.reader().describe):
        with pytest.raises(NotReadOnlyError):
            await look("acting")


async def test_every_type_can_be_looked_at(store: Store) -> None:
    kinds = """SELECT 1::HUGEINT AS h, 1.5::DECIMAL(38, 2) AS d, 'a'::ENUM ('a', 'b') AS e,
        'x'::BLOB AS b, [1] AS l, {'s': 1} AS s, MAP {'k': 1} AS m, INTERVAL 1 DAY AS i,
        uuid() AS u, TIMESTAMPTZ '2020-01-01' AS z, TIME '01:02:03' AS t, '1'::BIT AS bit,
        NULL AS n, 'NaN'::DOUBLE AS nan, union_value(x := 1) AS un, '{"a": 1}'::JSON AS j,
        DATE '0044-03-15 (BC)' AS bc, 'infinity'::TIMESTAMP AS inf"""
    await make(store, f"CREATE TABLE kinds AS {kinds}")
    reader = store.reader()
    assert (await reader.sample("kinds", 5)).row_count == 1
    described = by_name(await reader.describe("kinds"))
    assert len(by_name(await reader.schema("kinds"))) == len(described) == 18
    for name in described:
        assert (await reader.column("kinds", name, top=3)).rows == 1


async def test_an_empty_table_is_no_error(store: Store) -> None:
    await make(store, "CREATE TABLE nothing (a INTEGER, b VARCHAR)")
    reader = store.reader()
    assert by_name(await reader.schema("nothing"))["a"]["share"] is None
    assert by_name(await reader.describe("nothing"))["a"]["count"] == 0
    assert (await reader.sample("nothing", 5)).rows == []
    assert (await reader.column("nothing", "a", top=5)).top == []


async def test_long_values_do_not_defeat_the_bounds(store: Store) -> None:
    await make(store, "CREATE TABLE t AS SELECT repeat('é' || n, 30000) AS a FROM range(50) x(n)")
    found = await store.reader(Limits(max_bytes=8_000)).column("t", "a", top=50)
    assert 1 <= len(found.top) < 50
    assert len(found.model_dump_json()) < 12_000
    assert found.distinct == 50
    assert len(str(await store.reader().schema("t"))) < 2_000


async def test_long_json_is_shown_as_cut_json_text(store: Store) -> None:
    rows = [{"deep": {"no": False, "none": None, "t": "x" * 600, "n": n}} for n in range(2)]
    await load(store, [line(**row) for row in rows])
    found = await store.reader().column("events", "deep", top=2)
    start = '{"no":false,"none":null,"t":"xxx'
    for shown in (found.min, found.max, *(each.value for each in found.top)):
        assert shown.startswith(start)
        assert (len(shown), shown[-1]) == (501, "…")
    await load(store, [line(deep={"no": False, "é": [1]})])
    assert (await store.reader().column("events", "deep", top=1)).min == {"no": False, "é": [1]}
