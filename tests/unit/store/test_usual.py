"""Usual objects are split the quick way; what the sample did not promise is given back whole."""

from collections.abc import Iterator, Sequence

import duckdb
import pytest

from mp_mcp.store.exact import literal
from mp_mcp.store.plan import make_plan
from mp_mcp.store.usual import usual

USUAL = [
    '{"time":1735732800,"distinct_id":"u","plan":"a","seats":5,"userName":"x","username":"y"}',
    '{"time":1735732801,"distinct_id":"v","plan":"b\\n\\"é","seats":1.5,"coupon":null,"tags":["a"]}',
    '{"time":1735732802,"distinct_id":"w","plan":null,"seats":null,"coupon":"00042","trial":true}',
    '{"time":1735732803,"plan":"12","seats":"many","coupon":7,"userName":"z","tags":null}',
]
"""With nulls, escapes, odd values and names that differ by case only."""


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as cursor:
        yield cursor


def source(objects: Sequence[str]) -> str:
    rows = ", ".join(f"('Login', {literal(each)}::JSON)" for each in objects)
    return f"SELECT * FROM (VALUES {rows}) AS export(event, properties)"


def odd_ones(cursor: duckdb.DuckDBPyConnection, objects: Sequence[str]) -> list[str]:
    """The objects that are given back, after a sample of usual ones."""
    plan = make_plan(cursor, source(USUAL * 20), [])
    rows = usual(source([*USUAL, *objects]), plan, "time::DATE")
    found = cursor.execute(f"SELECT odd FROM ({rows}) WHERE odd IS NOT NULL").fetchall()
    return [each for (each,) in found]


def test_an_export_like_its_sample_takes_the_quick_way(cursor: duckdb.DuckDBPyConnection) -> None:
    assert odd_ones(cursor, []) == []


@pytest.mark.parametrize(
    "odd",
    [
        '{"time":1735732800,"unknown":1}',
        '{"time":1735732800,"plan":"a","plan":"a"}',
        '{"time":1735732800,"distinct_id":17}',
        '{"time":1735732800,"distinct_id":1,"userName":2,"z":17}',
        '{"time":1735732800.5,"plan":"a"}',
        '{"time":1735732800,"trial":"true"}',
        '{"time":1735732800,"userName":null}',
        '{"time":1735732800,"userName":["a"]}',
    ],
)
def test_what_the_sample_did_not_show_is_given_back(
    cursor: duckdb.DuckDBPyConnection, odd: str
) -> None:
    assert odd_ones(cursor, [odd]) == [odd]
