"""Values for the `$name` places of a query: bound exactly, all of them and no others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import QueryError
from mp_mcp.store.open_store import Store
from mp_mcp.store.placeholders import bound

pytestmark = pytest.mark.anyio

DAY = "SELECT DATE '2025-01-02' AS day, 5 AS n, 1.5::DOUBLE AS price, 'x' AS text"


@pytest.mark.parametrize(
    ("condition", "params"),
    [
        ("n = $n", {"n": 5}),
        ("n = $n", {"n": "5"}),
        ("n > $n", {"n": 4.5}),
        ("price = $p", {"p": "1.5"}),
        ("day >= $from AND day < $to", {"from": "2025-01-02", "to": "2025-01-03"}),
        ("text = $t", {"t": "x"}),
        ("text <> $t", {"t": "x' OR true --"}),
        ("n IN $several", {"several": [4, 5]}),
        ("list_contains($several, text)", {"several": ["x", "y"]}),
        ("$nothing IS NULL", {"nothing": None}),
        ("n = $N", {"n": 5}),
        ("$yes", {"yes": True}),
        ("$o.a = 1", {"o": {"a": 1}}),
    ],
)
async def test_a_value_is_bound_as_its_type(
    store: Store, condition: str, params: dict[str, Any]
) -> None:
    found = await store.reader().query(f"FROM ({DAY}) WHERE {condition}", limit=9, params=params)
    assert found.row_count == 1


async def test_a_value_works_on_every_page_and_for_types_that_are_read_as_text(
    store: Store,
) -> None:
    sql = "SELECT range + $add AS n, to_timestamp(range) AS t FROM range(6) ORDER BY 1"
    pages = [
        await store.reader().query(sql, limit=4, offset=offset, params={"add": 10})
        for offset in (0, 4)
    ]
    assert [row[0] for page in pages for row in page.rows] == [10, 11, 12, 13, 14, 15]


async def test_the_same_text_with_other_values_has_another_answer(store: Store) -> None:
    reader = store.reader()
    found = [await reader.query("SELECT $n::INTEGER", limit=1, params={"n": n}) for n in (1, 2)]
    assert [answer.rows for answer in found] == [[[1]], [[2]]]


@pytest.mark.parametrize(
    ("sql", "params", "says", "hint"),
    [
        ("SELECT $a, $b", {"a": 1}, "No value was given for $b", "params"),
        ("SELECT $city", {}, "No value was given for $city", '"$city" in double quotes'),
        ("SELECT $plan", {"pln": 1}, "for $plan", "named pln"),
        ("SELECT 1", {"extra": 1}, "no place for the parameter extra", "Write $extra"),
        ("SELECT '$a'", {"a": 1}, "no place for the parameter a", "without quotes"),
        ("SELECT ?", {}, "no value was given", "Name the places"),
        ("SELECT $n", {"n": 2**200}, "too large", "params"),
        ("SELECT $n", {"n": "\ud800"}, "surrogate", "params"),
    ],
)
async def test_what_does_not_fit_is_named(
    store: Store, sql: str, params: dict[str, Any], says: str, hint: str
) -> None:
    with pytest.raises(QueryError) as caught:
        await store.reader().query(sql, limit=1, params=params)
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")


NAMES = st.sets(st.sampled_from(["a", "b", "c", "d", "e"]))


@given(NAMES, NAMES)
def test_exactly_the_wanted_values_are_accepted(wanted: set[str], given: set[str]) -> None:
    values: dict[str, Any] = dict.fromkeys(given, 1)
    if wanted == given:
        assert bound(wanted, values) == values
        return
    with pytest.raises(QueryError) as caught:
        bound(wanted, values)
    assert all(name in caught.value.message for name in (wanted - given or given - wanted))
