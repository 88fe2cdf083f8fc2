"""The outline of a table: its columns, the properties without one, how full they are, and examples.

Never reads more than a part of a big table; then the shares are estimates, and it says so.
"""

# Names are quoted by exact.py.
# ruff: noqa: S608

from collections.abc import Iterable, Sequence

from duckdb import DuckDBPyConnection

from mp_mcp.results import Row, Rows
from mp_mcp.store import rest_keys
from mp_mcp.store.exact import identifier, pointer
from mp_mcp.store.sources import REST, Source
from mp_mcp.store.suggest import as_column, as_prop
from mp_mcp.store.values import json_value

COLUMNS = ("name", "type", "share", "samples", "sql")
MOST_CELLS = 10_000_000
LEAST_ROWS = 20_000
"""DuckDB samples blocks of 2,048 rows: of fewer rows there might be none."""
EXAMPLE_ROWS = 2_000
EXAMPLES_AMONG = 100_000
EXAMPLES = 3
LONGEST_EXAMPLE = 60
LONGEST_TAIL = 500
"""Properties without a column that are listed; the others are only counted."""


def rows_to_read(columns: int) -> int:
    """How much of a table is read when every column is looked at."""
    return max(LEAST_ROWS, min(rest_keys.MOST_ROWS, MOST_CELLS // max(columns, 1)))


def outline(cursor: DuckDBPyConnection, source: Source) -> Rows:
    """A row per column, then a row per property that only prop() reaches."""
    tail = rest_keys.tail_of(cursor, source)
    rows = _columns(cursor, source) + _properties(cursor, source, tail)
    return Rows.of(COLUMNS, rows, hint=_hint(source, tail))


def _columns(cursor: DuckDBPyConnection, source: Source) -> list[Row]:
    shown = [(name, kind) for name, kind in source.columns if name != REST]
    counts = ", ".join(["count(*)", *(f"count({identifier(name)})" for name, _ in shown)])
    part = source.part(rows_to_read(len(shown)))
    total, *filled = cursor.execute(f"SELECT {counts} FROM {part}").fetchall()[0]
    texts = _examples(cursor, source, [f"{identifier(name)}::VARCHAR" for name, _ in shown])
    keys = rest_keys.property_columns(cursor, source)
    return [
        [keys.get(name, name), kind, _share(count, total), samples, as_column(name)]
        for (name, kind), count, samples in zip(shown, filled, texts, strict=True)
    ]


def _properties(cursor: DuckDBPyConnection, source: Source, tail: rest_keys.Tail) -> list[Row]:
    keys = list(tail.keys)[:LONGEST_TAIL]
    if not keys:
        return []
    texts = _examples(cursor, source, [f"({REST} -> {pointer(key)})::VARCHAR" for key in keys])
    return [
        [
            key,
            "property",
            _share(tail.keys[key], tail.rows),
            [json_value(t) for t in samples],
            as_prop(key),
        ]
        for key, samples in zip(keys, texts, strict=True)
    ]


def _examples(
    cursor: DuckDBPyConnection, source: Source, expressions: Sequence[str]
) -> list[list[str]]:
    """Some values of each expression, the most frequent of a few rows first."""
    picked = ", ".join(
        f"approx_top_k(left({expression}, {LONGEST_EXAMPLE}), {EXAMPLES})"
        for expression in expressions
    )
    found = cursor.execute(
        f"SELECT {picked} FROM {source.random(EXAMPLE_ROWS, EXAMPLES_AMONG)}"
    ).fetchall()[0]
    return [_without_nulls(values or ()) for values in found]


def _without_nulls(values: Iterable[str | None]) -> list[str]:
    return [value for value in values if value is not None]


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None


def _hint(source: Source, tail: rest_keys.Tail) -> str | None:
    told = []
    read = rows_to_read(len(source.columns))
    if not source.is_read_whole(read):
        told.append(
            f"Shares are estimated from about {read:,} rows; rare properties may be missing."
        )
    if len(tail.keys) > LONGEST_TAIL:
        told.append(f"{len(tail.keys) - LONGEST_TAIL} rarer properties are not listed.")
    if tail.keys:
        told.append("Properties of type property have no column: prop('name') gives their text.")
    if source.has_rest:
        told.append("inspect_column shows one in depth.")
    return " ".join(told) or None
