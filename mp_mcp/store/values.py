"""duckdb's values as exact JSON values.

Never rounds: a number that JSON's readers would change is given as text.
"""

import base64
import contextlib
import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Convert = Callable[[Any], Any]
"""From a value of duckdb's Python types to a JSON value."""

ColumnType = Any
"""A type in duckdb's description of a result: it has `id` and, when nested, `children`."""

_NESTED = frozenset(("list", "array", "struct", "tuple", "map", "union"))
# Python's own types cannot hold these: months would become 30 days, nanoseconds would be cut, and
# zones need a package that we do without.
_TEXT = frozenset(
    (
        "interval",
        "time with time zone",
        "time_ns",
        "timestamp with time zone",
        "timestamp_ns",
        "variant",
    )
)
# duckdb takes these in JSON in any case, and with a sign; Python only as `NaN` and `-Infinity`.
_NO_NUMBER = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?P<sign>-?)\b(?P<word>nan|inf(?:inity)?)\b', re.IGNORECASE
)

_MOMENTS = frozenset(("date", "timestamp", "timestamp_s", "timestamp_ms"))


class AmbiguousMomentError(Exception):
    """Python has this moment for two of duckdb's: infinity is its last one, -infinity its first."""


def needs_text(column_type: ColumnType, *, moments: bool = False) -> bool:
    """Whether a column has to be read as text, because Python would change or refuse it.

    With `moments`, all dates and times have to: there was an AmbiguousMomentError.
    """
    if column_type.id in _NESTED:
        return any(needs_text(kind, moments=moments) for kind in _children(column_type))
    return column_type.id in _TEXT or (moments and column_type.id in _MOMENTS)


def text_expression(column_type: ColumnType, position: int, *, moments: bool = False) -> str:
    """SQL that reads the column at `position` (from 1) so that `converter` understands it."""
    if not needs_text(column_type, moments=moments):
        return f"#{position}"
    if column_type.id in _NESTED or column_type.id == "variant":
        return f"to_json(#{position})"
    return f"#{position}::VARCHAR"


def converter(column_type: ColumnType, *, moments: bool = False) -> Convert:
    """How to make JSON values of one column, which was read as `text_expression` says."""
    kind = column_type.id
    if str(column_type) == "JSON" or kind == "variant":
        return json_value
    if kind not in _NESTED:
        if kind == "bignum":
            return _integer
        return iso_text if needs_text(column_type, moments=moments) else plain
    if needs_text(column_type, moments=moments):
        return json_value
    children = [converter(child) for child in _children(column_type)]
    if kind in ("list", "array"):
        return lambda value: None if value is None else [children[0](item) for item in value]
    if kind in ("struct", "tuple"):
        return lambda value: _struct(value, children)
    if kind == "map":
        return lambda value: _map(value, *children)
    return plain


def _children(column_type: ColumnType) -> list[ColumnType]:
    """Types inside a nested type, in order; the size of an array is not one."""
    return [kind for _, kind in column_type.children if hasattr(kind, "id")]


def plain(value: Any) -> Any:
    """A value as JSON, by its Python type."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    for kind, convert in _BY_TYPE:
        if isinstance(value, kind):
            return convert(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def json_value(text: str | None) -> Any:
    """What a JSON text says; text that Python cannot hold exactly stays text."""
    if text is None:
        return None
    with contextlib.suppress(ValueError, RecursionError):
        return _loads(text)
    with contextlib.suppress(ValueError, RecursionError):
        return _loads(_NO_NUMBER.sub(_named, text))
    return text


def _loads(text: str) -> Any:
    # NaN, Infinity and -Infinity are constants for Python: here they are their names.
    return json.loads(text, parse_float=_json_float, parse_constant=str)


def _named(found: re.Match[str]) -> str:
    if found["word"] is None:
        return found[0]  # a string
    name = "NaN" if "a" in found[0].lower() else "Infinity"
    return f'"{found["sign"] if name == "Infinity" else ""}{name}"'


def is_long(value: Any) -> bool:
    """Whether there is an integer in it that a double, all that JavaScript has, would round."""
    if isinstance(value, int):
        return not -(2**53) < value < 2**53
    if isinstance(value, dict):
        return any(map(is_long, value.values()))
    return isinstance(value, list) and any(map(is_long, value))


def iso_text(text: str | None) -> str | None:
    """duckdb's text of a moment as ISO 8601; other text stays."""
    if text is None or len(text) < 12 or text[10] != " " or not text[11].isdigit():
        return _with_minutes(text)
    return _with_minutes(f"{text[:10]}T{text[11:]}")


def _with_minutes(text: str | None) -> str | None:
    if text is not None and len(text) > 8 and text[-3] in "+-" and ":" in text:
        return f"{text}:00"
    return text


def _struct(value: Any, children: list[Convert]) -> Any:
    if isinstance(value, dict):
        pairs = zip(value.items(), children, strict=True)
        return {key: convert(item) for (key, item), convert in pairs}
    if value is None:
        return None
    return [convert(item) for convert, item in zip(children, value, strict=True)]


def _map(value: Any, key: Convert, item: Convert) -> Any:
    if value is None:
        return None
    if key is not plain and isinstance(value.get("key"), list):
        # Nested keys: duckdb gives two lists.
        keys, values = value["key"], value["value"]
        return [[key(name), item(inner)] for name, inner in zip(keys, values, strict=True)]
    return {_key(key(name)): item(inner) for name, inner in value.items()}


def _integer(text: str | None) -> int | str | None:
    with contextlib.suppress(ValueError):
        return None if text is None else int(text)
    return text


def _key(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json_float(text: str) -> float | str:
    number = float(text)
    if not math.isfinite(number):
        return text
    # Up to 15 digits survive a double.
    if len(text) <= _SURE_TO_SURVIVE or repr(number) == text:
        return number
    return number if Decimal(repr(number)) == Decimal(text) else text


def _float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decimal(value: Decimal) -> float | str:
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return base64.b64encode(value).decode()


def _time(value: time) -> str:
    return value.isoformat()


def _moment(value: date) -> str:
    if value.year in _EDGES and value in _AMBIGUOUS:
        raise AmbiguousMomentError
    return value.isoformat()


_EDGES = (date.min.year, date.max.year)
_AMBIGUOUS = (date.min, date.max, datetime.min, datetime.max)
_SURE_TO_SURVIVE = 16

_BY_TYPE: tuple[tuple[type | tuple[type, ...], Convert], ...] = (
    (float, _float),
    (Decimal, _decimal),
    (date, _moment),  # a datetime is one, too
    (time, _time),
    (UUID, str),
    ((bytes, bytearray, memoryview), _bytes),
    (timedelta, str),
)
