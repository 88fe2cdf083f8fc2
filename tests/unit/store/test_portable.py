"""Values in the formats of exported files: exact at any depth, or refused in a sentence."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mp_mcp.errors import QueryError
from mp_mcp.store.exact import literal
from mp_mcp.store.models import Format
from mp_mcp.store.open_store import Store
from mp_mcp.store.portable import for_json
from tests.unit.store.loading import line
from tests.unit.store.tables import load

pytestmark = pytest.mark.anyio

LONG = 12345678901234567890123
TOO_LONG = 10**38


async def export(store: Store, sql: str, form: Format) -> Path:
    return Path((await store.reader().export(sql, form)).path)


async def in_parquet(store: Store, expression: str) -> tuple[Any, str]:
    path = await export(store, f"SELECT {expression} AS v", "parquet")
    with duckdb.connect(":memory:") as connection:
        value, kind = connection.execute(f"SELECT v, typeof(v) FROM '{path}'").fetchall()[0]
    return value, str(kind)


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("[{n}]", [LONG], "DECIMAL(38,0)[]"),
        ("[sum({n})]", [LONG], "DECIMAL(38,0)[]"),
        ("array_value({n}, 1)", [LONG, 1], "DECIMAL(38,0)[]"),
        ("{{'a': {n}}}", {"a": LONG}, "STRUCT(a DECIMAL(38,0))"),
        ("MAP {{'k': {n}}}", {"k": LONG}, "MAP(VARCHAR, DECIMAL(38,0))"),
        ("MAP {{{n}: [{n}::UHUGEINT]}}", {LONG: [LONG]}, "MAP(DECIMAL(38,0), DECIMAL(38,0)[])"),
        ("row({n}, 'a')", {"element1": LONG, "element2": "a"}, None),
        ("{{'HUGEINT': 'a', 'b': [{{'a HUGEINT)': {n}}}]}}", None, None),
        ("{{'e': 'a'::ENUM ('a', 'HUGEINT)'), 'n': {n}}}", {"e": "a", "n": LONG}, None),
        ("{{'j': '[1]'::JSON, 'n': {n}}}", None, "STRUCT(j JSON, n DECIMAL(38,0))"),
        ("NULL::HUGEINT[]", None, "DECIMAL(38,0)[]"),
    ],
)
async def test_parquet_keeps_long_integers_at_any_depth(
    store: Store, expression: str, value: object, kind: str | None
) -> None:
    found, found_kind = await in_parquet(store, expression.format(n=f"{LONG}::HUGEINT"))
    if "a HUGEINT)" in expression:
        value = {"HUGEINT": "a", "b": [{"a HUGEINT)": Decimal(LONG)}]}
    if "JSON" in expression:
        value = {"j": "[1]", "n": LONG}
    assert found == value
    assert found_kind == (kind or found_kind)
    assert "DOUBLE" not in found_kind


@pytest.mark.parametrize(
    "expression",
    [f"{TOO_LONG}::HUGEINT", f"-{TOO_LONG}::HUGEINT", f"[{2**128 - 1}::UHUGEINT]"],
)
async def test_a_number_that_parquet_cannot_hold_is_a_sentence_and_text_helps(
    store: Store, expression: str
) -> None:
    with pytest.raises(QueryError) as caught:
        await store.reader().export(f"SELECT {expression} AS v FROM range(3)", "parquet")
    assert "more than 38 digits: parquet cannot hold it." in str(caught.value)
    assert "SELECT" not in str(caught.value)
    assert "column::VARCHAR" in (caught.value.hint or "")
    value, _ = await in_parquet(store, f"({expression})::VARCHAR")
    assert value == expression.split("::")[0] + "]" * expression.startswith("[")


@pytest.mark.parametrize(
    "expression",
    [
        "{'a': 'nan'::DOUBLE, 'b': ['inf'::DOUBLE, 1.5], 'c': 'NaN, -inf'}",
        "'{\"x\": NaN}'::JSON",
        "'NaN'::JSON",
        "['-inf'::FLOAT, NULL]",
        "row('nan'::DOUBLE, '[Infinity]'::JSON)",
        "MAP {'a': 'nan'::DOUBLE}",
        '\'[-nan, Inf, -INFINITY, 1e4, -5, true, null, {"nan,nan": ":nan"}]\'::JSON',
        '\'{"a": ",NaN\\\\", "b": ":\\",nan", "c": [-NaN]}\'::JSON',
        "NULL::DOUBLE[]",
        "NULL::JSON",
        "'null'::JSON",
    ],
)
async def test_jsonl_is_json_at_any_depth_and_says_what_query_sql_says(
    store: Store, expression: str
) -> None:
    sql = f"SELECT {expression} AS v"
    text = (await export(store, sql, "jsonl")).read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=pytest.fail)
    assert found == {"v": (await store.reader().query(sql, limit=1)).rows[0][0]}


async def test_an_event_shows_the_same_name_in_its_column_and_in_its_properties(
    store: Store,
) -> None:
    await load(store, [line(p=float("nan"), q=float("inf"), r=[float("-inf")])])
    sql = "SELECT prop('p') AS p, prop('q') AS q, properties FROM events"
    p, q, properties = (await store.reader().query(sql, limit=1)).rows[0]
    assert (p, q) == (properties["p"], properties["q"]) == ("NaN", "Infinity")
    assert properties["r"] == ["-Infinity"]
    text = (await export(store, sql, "jsonl")).read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["properties"] == properties


ODD = st.sampled_from(['"', "\\", "nan", "NaN", "inf", "-", ",", ":", "[", "{", "\n", "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.lists(ODD, max_size=6).map("".join),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.lists(ODD, max_size=3).map("".join), inner, max_size=4)
    ),
    max_leaves=10,
)


def as_json(expression: str, kind: str) -> Any:
    """What a jsonl file would hold for a value."""
    with duckdb.connect(":memory:") as connection:
        sql = f"SELECT ({for_json('#1', kind)})::VARCHAR FROM (SELECT {expression})"
        return json.loads(connection.execute(sql).fetchall()[0][0], parse_constant=pytest.fail)


def test_a_variant_of_somebody_elses_table_is_json_too() -> None:
    assert as_json("{'a': ['-inf'::DOUBLE, 1]}::VARIANT", "VARIANT") == {"a": ["-Infinity", 1]}


@settings(max_examples=80)
@given(VALUES)
def test_only_what_is_no_number_changes_in_json(value: object) -> None:
    text = json.dumps(value)
    found = as_json(f"{literal(text)}::JSON", "JSON")
    assert found == json.loads(text, parse_constant=str)
