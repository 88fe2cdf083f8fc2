"""A summary of every column of a table: how full, how varied, from where to where.

Never reads more than a part of a big table; then the figures are estimates, and it says so.
"""

# Names are quoted by exact.py.
# ruff: noqa: S608

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from mp_mcp.results import Row, Rows
from mp_mcp.store.exact import identifier
from mp_mcp.store.outline import rows_to_read
from mp_mcp.store.pages import read_all
from mp_mcp.store.sources import REST, Source

COLUMNS = (
    *("column", "type", "count", "null_share", "distinct"),
    *("min", "max", "mean", "q25", "median", "q75", "top"),
)
AT_ONCE = 25
"""Columns that are summed up in one pass: more would only take more memory."""
LONGEST = 120
"""Characters of a value that are shown."""

ALL_DIFFER = 0.9

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_DATES = ("DATE", "TIME")
_NOTHING = "NULL"


def describe(cursor: DuckDBPyConnection, source: Source) -> Rows:
    """A row per column."""
    shown = [(name, kind) for name, kind in source.columns if name != REST]
    rows: list[Row] = []
    for start in range(0, len(shown), AT_ONCE):
        rows += _described(cursor, source, shown[start : start + AT_ONCE], len(shown))
    read = rows_to_read(len(shown))
    hint = None
    if not source.is_read_whole(read):
        hint = (
            f"Estimated from about {read:,} rows; distinct counts only those. "
            "inspect_column reads all rows of one column."
        )
    return Rows.of(COLUMNS, rows, hint=hint)


def _described(
    cursor: DuckDBPyConnection, source: Source, columns: Sequence[tuple[str, str]], width: int
) -> list[Row]:
    part = source.part(rows_to_read(width))
    wanted = [
        expression for name, kind in columns for expression in _expressions(identifier(name), kind)
    ]
    sql = f"SELECT count(*), {', '.join(wanted)} FROM {part}"
    total, *values = read_all(cursor, sql)[1][0]
    size = len(COLUMNS) - 3
    rows = []
    for place, (name, kind) in enumerate(columns):
        count, *more = values[place * size : (place + 1) * size]
        nulls = round(1 - count / total, 4) if total else None
        rows.append([name, kind, count, nulls, *_sensible(more, count)])
    return rows


def _sensible(figures: list[Any], count: int) -> list[Any]:
    """Estimated distinct values are no more than values; where all differ, none is the top."""
    distinct, *between, top = figures
    if distinct is None:
        return figures
    return [min(distinct, count), *between, None if distinct > ALL_DIFFER * count else top]


def _expressions(column: str, kind: str) -> list[str]:
    """count, distinct, min, max, mean, q25, median, q75, top: NULL where it says nothing."""
    distinct = f"approx_count_distinct({column})"
    count = f"count({column})"
    if kind.startswith(_NUMBERS) and "[" not in kind:
        quarters = [f"quantile_cont({column}, {part})" for part in (0.25, 0.5, 0.75)]
        figures = [f"min({column})", f"max({column})", f"avg({column})", *quarters]
        return [count, distinct, *figures, _top(column)]
    if kind.startswith(_DATES) and "[" not in kind:
        middle = [_NOTHING, *(f"quantile_disc({column}, {part})" for part in (0.25, 0.5, 0.75))]
        return [count, distinct, f"min({column})", f"max({column})", *middle, _top(column)]
    if kind == "BOOLEAN":
        mean = f"avg({column}::INTEGER)"
        ends = [f"min({column})", f"max({column})"]
        return [count, distinct, *ends, mean, *[_NOTHING] * 3, _top(column)]
    if kind == "VARCHAR" or kind.startswith(("ENUM", "UUID")):
        ends = [f"left({end}({column}::VARCHAR), {LONGEST})" for end in ("min", "max")]
        top = _top(f"left({column}::VARCHAR, {LONGEST})")
        return [count, distinct, *ends, *[_NOTHING] * 4, top]
    return [count, *[_NOTHING] * 8]


def _top(column: str) -> str:
    """The most frequent value (the first of the equals is anybody's guess)."""
    return f"approx_top_k({column}, 1)[1]"
