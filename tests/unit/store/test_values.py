import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mp_mcp.store.values import (
    AmbiguousMomentError,
    converter,
    is_long,
    json_value,
    needs_text,
    plain,
    text_expression,
)


def read(expression: str) -> Any:
    """One value as the reader gives it."""
    try:
        return _read(expression, moments=False)
    except AmbiguousMomentError:
        return _read(expression, moments=True)


def _read(expression: str, *, moments: bool) -> Any:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        sql = f"SELECT {expression} AS value"
        cursor = connection.execute(sql)
        assert cursor.description
        kind = cursor.description[0][1]
        if needs_text(kind, moments=moments):
            text = text_expression(kind, 1, moments=moments)
            cursor = connection.execute(f"SELECT {text} FROM ({sql})")
        return converter(kind, moments=moments)(cursor.fetchall()[0][0])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("170141183460469231731687303715884105727", 2**127 - 1),
        ("12345678901234567890123456789012345678901234567890::BIGNUM", int("1234567890" * 5)),
        ("9007199254740993", 2**53 + 1),
        ("18446744073709551615::UBIGINT", 2**64 - 1),
        ("1.10::DECIMAL(9, 2)", 1.1),
        ("0.1::DECIMAL(38, 10)", 0.1),
        ("1234567890123456789.1234567890::DECIMAL(38, 10)", "1234567890123456789.1234567890"),
        ("9007199254740993::DECIMAL(38, 0)", "9007199254740993"),
        ("12345678901234567.89::DECIMAL(38, 2)", "12345678901234567.89"),
        ("'NaN'::DOUBLE", "NaN"),
        ("'-inf'::FLOAT", "-Infinity"),
        ("DATE '2020-01-02'", "2020-01-02"),
        ("TIMESTAMP '2020-01-02 03:04:05.678'", "2020-01-02T03:04:05.678000"),
        ("TIMESTAMP '99999-01-01'", "99999-01-01 00:00:00"),
        ("DATE '0044-03-15 (BC)'", "0044-03-15 (BC)"),
        ("[DATE '0044-03-15 (BC)']", ["0044-03-15 (BC)"]),
        ("TIMESTAMPTZ '0044-03-15 (BC) 01:02:03+00'", "0044-03-15 (BC) 01:02:03+00:00"),
        ("DATE '9999-12-31'", "9999-12-31"),
        ("'infinity'::DATE", "infinity"),
        ("'-infinity'::TIMESTAMP", "-infinity"),
        ("{'until': 'infinity'::DATE}", {"until": "infinity"}),
        ("TIMESTAMPTZ '2020-01-02 03:04:05+02'", "2020-01-02T01:04:05+00:00"),
        ("TIME '01:02:03'", "01:02:03"),
        ("TIMETZ '01:02:03+02'", "01:02:03+02:00"),
        ("TIMESTAMP_NS '2020-01-01 00:00:00.123456789'", "2020-01-01T00:00:00.123456789"),
        ("INTERVAL 1 MONTH", "1 month"),
        ("'ab'::BLOB", "YWI="),
        ("'101'::BIT", "101"),
        ("'a7099fc0-ba4a-4075-a190-f43c080a14b2'::UUID", "a7099fc0-ba4a-4075-a190-f43c080a14b2"),
        ("'a'::ENUM ('a', 'b[]')", "a"),
        ("[1, NULL]", [1, None]),
        ("array_value(1, 2)", [1, 2]),
        ("{'a': 1, 'b': [DATE '2020-01-01']}", {"a": 1, "b": ["2020-01-01"]}),
        ("row(1, '{}'::JSON)", [1, {}]),
        ("MAP {'a': 1}", {"a": 1}),
        ("MAP {1: 'a'}", {"1": "a"}),
        ("MAP {DATE '2020-01-01': 1}", {"2020-01-01": 1}),
        ("MAP {[1]: 'a'}", [[[1], "a"]]),
        ("MAP {'key': [1], 'value': [2]}", {"key": [1], "value": [2]}),
        ("'{\"a\": [1, 2.5, null, 123456789012345678901]}'::JSON", None),
        ("['{\"x\": 1}'::JSON]", [{"x": 1}]),
        ("{'j': '[1]'::JSON}", {"j": [1]}),
        ("'1e999'::JSON", "1e999"),
        ("'1.0000000000000000001'::JSON", "1.0000000000000000001"),
        ("'[0.30000000000000004, 1.50, 1e300]'::JSON", [0.30000000000000004, 1.5, 1e300]),
        ("'NaN'::JSON", "NaN"),
        (
            '\'{"a": NaN, "b": [Infinity, -Infinity]}\'::JSON',
            {"a": "NaN", "b": ["Infinity", "-Infinity"]},
        ),
        ('\'{"nan": [-NaN, nan, INF, -inf], "b": "-inf,nan"}\'::JSON', None),
        ("{'a': 'nan'::DOUBLE, 'b': ['-inf'::FLOAT]}", {"a": "NaN", "b": ["-Infinity"]}),
        ("{'a': ['inf'::DOUBLE], 'b': INTERVAL 1 DAY}", {"a": ["Infinity"], "b": "1 day"}),
        ("{'a': 'nan'::DOUBLE}::VARIANT", {"a": "NaN"}),
        ("[INTERVAL 1 MONTH]", ["1 month"]),
        ("{'a': {'b': 1}}::VARIANT", {"a": {"b": 1}}),
        ("union_value(n := 1)", 1),
        ("NULL::INTEGER[]", None),
        ("NULL::JSON", None),
        ("NULL::TIMESTAMPTZ", None),
        ("NULL::STRUCT(a INTEGER)", None),
        ("NULL::MAP(VARCHAR, INTEGER)", None),
        ("NULL", None),
    ],
)
def test_a_value_is_exact_json(expression: str, value: object) -> None:
    found = read(expression)
    if expression.startswith('\'{"a": [1, 2.5'):
        value = {"a": [1, 2.5, None, 123456789012345678901]}
    if expression.startswith('\'{"nan"'):
        value = {"nan": ["NaN", "NaN", "Infinity", "-Infinity"], "b": "-inf,nan"}
    assert found == value
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("value", [2**53, -(2**53), [1, {"a": 2**60}], {"a": [2**53 + 1]}])
def test_integers_that_doubles_cannot_tell_apart_are_found(value: object) -> None:
    assert is_long(value)


@pytest.mark.parametrize("value", [2**53 - 1, True, 1e300, str(2**60), None, [1, {"a": 2}]])
def test_other_values_are_no_long_integers(value: object) -> None:
    assert not is_long(value)


def test_true_stays_a_boolean() -> None:
    assert read("true") is True


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=60)
@given(JSON)
def test_json_text_keeps_its_value(value: object) -> None:
    assert json_value(json.dumps(value)) == value


def test_json_that_python_cannot_hold_stays_text() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    long = "9" * 5000
    assert json_value(deep) == deep
    assert json_value(long) == long


@settings(max_examples=60)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**30))
def test_a_decimal_is_a_number_only_when_that_is_exact(value: object) -> None:
    found = plain(value)
    assert Decimal(str(found)) == value
