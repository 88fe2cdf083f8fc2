"""A wrong name is answered with the right one, and a natural spelling just works."""

import json

import pytest

from mp_mcp.errors import MpError, QueryError
from mp_mcp.store.json_paths import as_pointers
from mp_mcp.store.layout import MAX_COLUMNS
from mp_mcp.store.open_store import Store
from tests.unit.store.loading import line
from tests.unit.store.tables import load, value

pytestmark = pytest.mark.anyio

KEYS = {"$browser": "Chrome", "plan": "pro", "Signup Source": "ad", "order": 1}
MANY = {f"filler_{n:03}": n for n in range(MAX_COLUMNS + 10)}


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELECT browser FROM events", 'Close: "$browser"'),
        ("SELECT e.Browser FROM events AS e", 'Close: "$browser"'),
        ("SELECT plam FROM events", "Close: plan"),
        ("SELECT signup_source FROM events", '"Signup Source"'),
        ("SELECT ordre FROM events", 'Close: "order"'),
        ("SELECT 1 FROM events WHERE properties.plan = 'pro'", "JSON, not text"),
        ("SELECT zzzzzzz FROM events", "inspect_schema"),
        ("SELECT $browser FROM events", '"$browser" in double quotes'),
    ],
)
async def test_a_wrong_column_names_the_right_one(store: Store, sql: str, hint: str) -> None:
    await load(store, [line(**KEYS)])
    with pytest.raises(QueryError) as caught:
        await store.reader().query(sql, limit=1)
    assert hint in (caught.value.hint or "")


async def test_a_property_that_only_the_rest_has_is_found(store: Store) -> None:
    await load(store, [line(**MANY, a_rare_one=1), *(line(**MANY) for _ in range(30))])
    with pytest.raises(QueryError) as caught:
        await store.reader().query("SELECT a_rare_one FROM events", limit=1)
    assert "write prop('a_rare_one')" in (caught.value.hint or "")
    with pytest.raises(QueryError) as caught:
        await store.reader().query("SELECT A_RARE_OME FROM events", limit=1)
    assert "prop('a_rare_one')" in (caught.value.hint or "")
    found = await value(store, "SELECT count(*) FROM events WHERE prop('a_rare_one') = '1'")
    assert found == 1


async def test_another_programs_view_is_not_looked_into(store: Store) -> None:
    await store.shared.queue.submit(
        lambda cursor: cursor.execute("CREATE VIEW theirs AS SELECT 1 AS plan")
    )
    with pytest.raises(MpError) as caught:
        await store.reader().query("SELECT plam FROM theirs", limit=1)
    assert "plan" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "expression",
    [
        "properties->>'$browser'",
        "events.properties->>'$browser'",
        "(properties->'$browser')->>'$'",
        "json_extract_string(properties, '$browser')",
        "json_value(properties, '$browser')->>'$'",
        "CASE WHEN 'é' <> properties->>'$browser' THEN properties ->> '$browser' END",
    ],
)
async def test_the_natural_spelling_of_a_property_works(store: Store, expression: str) -> None:
    await load(store, [line(**KEYS)])
    assert await value(store, f"SELECT {expression} FROM events") == "Chrome"


async def test_it_works_for_names_with_the_characters_of_pointers(store: Store) -> None:
    await load(store, [line(**{"$a/b~c": "x"})])
    assert await value(store, "SELECT properties->>'$a/b~c' FROM events") == "x"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT properties->>'$.plan' FROM events",
        "SELECT properties->>'$' FROM events",
        "SELECT properties->>'plan' FROM events",
        "SELECT properties->>'$[0]' FROM events",
        "SELECT '$browser' FROM events WHERE event = '$browser'",
        "SELECT properties->>'$a.b' FROM events",
        "SELECT properties->>$$plan$$ FROM events",
    ],
)
def test_what_may_be_a_path_or_is_none_stays_as_it_is(sql: str) -> None:
    assert as_pointers(sql) == (sql, [])


async def test_sql_that_duckdb_understands_is_never_changed(store: Store) -> None:
    await load(store, [line(plan="pro", deep={"$browser": "inner"})])
    sql = """SELECT json_object('a', '$browser', 'b', properties->>'$.deep.$browser') FROM events"""
    assert await value(store, sql) == {"a": "$browser", "b": "inner"}


async def test_a_path_that_stays_wrong_is_explained(store: Store) -> None:
    await load(store, [line(**KEYS)])
    with pytest.raises(QueryError) as caught:
        await store.reader().query("SELECT properties->>'$browser[' FROM events", limit=1)
    assert "prop('$browser')" in (caught.value.hint or "")
    assert json.dumps(caught.value.message)
