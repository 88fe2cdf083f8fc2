"""What an answer of query_sql says beside its rows."""

from datetime import date

import pytest

from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.errors import QueryError
from mp_mcp.results import bounded
from mp_mcp.store.layout import MAX_COLUMNS
from mp_mcp.store.open_store import Store
from tests.unit.store.loading import line
from tests.unit.store.tables import load

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER = (
    (date(2025, 10, 18), date(2025, 10, 24)),
    (date(2025, 11, 20), date(2025, 11, 27)),
)
GAP = "events lacks the days 2025-10-25..2025-11-19: fetch_events gets them."


async def hint(store: Store, sql: str, **params: object) -> str:
    """All that the answer says, empty when it says nothing."""
    return (await store.reader().query(sql, limit=9, params=params)).hint or ""


@pytest.mark.parametrize(
    ("sql", "lacks"),
    [
        ("SELECT CASE WHEN day >= '2025-11-20' THEN 1 END, count(*) FROM events GROUP BY 1", True),
        ("SELECT count(*), count(*) FILTER (WHERE day = '2025-11-20') FROM events", True),
        ("SELECT count(*) FROM events WHERE date_trunc('month', day) = '2025-11-01'", True),
        ("SELECT count(*) FROM events WHERE day > '2025-11-19'", False),
        ("SELECT count(*) FROM events WHERE day = $d", False),
        ("SELECT count(*) FROM events WHERE day BETWEEN $D AND $d::DATE + 3", False),
        ("SELECT count(*) FROM main.events WHERE day <= $d", True),
    ],
)
async def test_missing_days_are_told_where_the_sql_reads_them(
    store: Store, sql: str, lacks: bool
) -> None:
    await load(store, [], days=OCTOBER)
    await load(store, [line(time=1763640000)], days=NOVEMBER)
    params = {"d": "2025-11-20"} if "$" in sql else {}
    assert (GAP in await hint(store, sql, **params)) is lacks
    assert "lacks" not in await hint(store, "SELECT 1 FROM events WHERE day > '2025-11-20'")


async def test_a_cut_cell_makes_the_answer_truncated_and_keeps_its_size(store: Store) -> None:
    answer = await store.reader().query("SELECT repeat('x', 40_000) AS a, 1 AS b", limit=9)
    assert (answer.row_count, answer.truncated) == (1, True)
    assert "[cut: 40003 bytes" in answer.rows[0][0]
    # The bounds of the call come after those of the reader.
    again = bounded(answer.rows, AGENT_BOUNDS.max_bytes or 0)
    assert again == answer.rows


KEYS = {"$browser": "Chrome", "plan": "pro", "a/b": 1, "deep": {"x": 1}}


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("properties->>'plann'", "No property plann in events; close: plan."),
        ("e.properties->>'$.plann'", "No property plann in events; close: plan."),
        ("""properties->>'$."plann".x'""", "No property plann in events; close: plan."),
        ("properties->'/plann'", "No property plann in events; close: plan."),
        ("properties->>'$brwser'", "No property $brwser in events; close: $browser."),
        ("properties->>'browser'", "No property browser in events; close: $browser."),
        ("properties['Plan']", "No property Plan in events; close: plan."),
        ("properties.plann", "No property plann in events; close: plan."),
        ("json_extract_string(properties, 'plann')", "No property plann in events; close: plan."),
        ("prop('plann')", "No property plann in events; close: plan."),
        ("prop('zzzzzz')", "No property zzzzzz in events; inspect_schema lists them."),
        ("prop('plann'), prop('$brwser')", "close: $browser. No property plann in events;"),
    ],
)
async def test_a_property_that_no_row_has_is_told(store: Store, expression: str, told: str) -> None:
    await load(store, [line(**KEYS)])
    assert told in await hint(store, f"SELECT {expression} FROM events AS e")
    told_again = await hint(store, f"WITH a AS (FROM events) SELECT {expression} FROM a AS e")
    assert told in told_again


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT properties->>'plan', properties['a/b'], properties.deep.x, prop('$browser') FROM e",
        "SELECT properties->>'/a~1b', properties->>'$.deep.zzz', prop('a/b') FROM e",
        "SELECT properties->>'time', prop('$insert_id'), prop('distinct_id') FROM e",
        "SELECT properties->>event, properties->>'$.*', json_keys(properties) FROM e",
        "SELECT json_exists(properties, 'plann'), 'plann', deep->>'plann' FROM e",
        "SELECT properties->>'plann' FROM (SELECT deep AS properties FROM e)",
        "WITH a(properties) AS (SELECT deep FROM e) SELECT properties->>'plann' FROM a",
        "WITH properties AS (SELECT 1 AS plann FROM e) SELECT properties.plann FROM properties",
        "SELECT properties->>'plann' FROM saved",
        "SELECT properties->>'plann' FROM theirs",
        "SELECT e.properties->>'plann' FROM e, saved",
        "SELECT properties->>'plann' FROM (SELECT 1)",
    ],
)
async def test_no_property_is_missed_that_is_there_or_may_be(store: Store, sql: str) -> None:
    await load(store, [line(**KEYS)], "e")
    await store.writer().save("saved", """SELECT '{"plann": 1}'::JSON AS properties""")
    await store.shared.queue.submit(
        lambda cursor: cursor.execute("CREATE VIEW theirs AS SELECT deep AS properties FROM e")
    )
    try:
        assert "No property" not in await hint(store, sql)
    except QueryError as error:
        assert "No property" not in str(error.hint)


async def test_nothing_is_claimed_of_a_table_with_unlisted_properties(store: Store) -> None:
    many = {f"filler_{n:03}": n for n in range(MAX_COLUMNS + 10)}
    await load(store, [line(**many, a_rare_one=1), *(line(**many) for _ in range(30))])
    assert "No property" not in await hint(store, "SELECT prop('a_rare_one') FROM events")
    assert "No property" not in await hint(store, "SELECT prop('plann') FROM events")


async def test_a_property_that_comes_later_is_no_longer_missed(store: Store) -> None:
    sql = "SELECT prop('plann') FROM events"
    await load(store, [line(plan="pro")])
    assert "No property plann" in await hint(store, sql)
    await load(store, [line(plann="pro")])
    assert "No property" not in await hint(store, sql)


async def test_a_property_of_one_of_two_tables_is_there(store: Store) -> None:
    await load(store, [line(plan="pro")])
    await load(store, [line(tier="pro")], "others")
    both = "FROM events JOIN others USING (day)"
    assert "No property" not in await hint(store, f"SELECT others.properties->>'tier' {both}")
    told = await hint(store, f"SELECT others.properties->>'teir' {both}")
    assert "No property teir in events, others; close: tier." in told
