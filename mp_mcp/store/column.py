"""One column or property of a table in depth, over all its rows.

Never confuses a column with a property that only has its name: what the table shows wins.
"""

# Names and literals are quoted by exact.py.
# ruff: noqa: S608

import json
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from mp_mcp.errors import QueryError
from mp_mcp.store import rest_keys
from mp_mcp.store.exact import pointer
from mp_mcp.store.models import ColumnReport, TopValue
from mp_mcp.store.pages import read_all
from mp_mcp.store.sources import REST, Source
from mp_mcp.store.suggest import as_column, as_prop, meant

LONGEST = 500
"""Characters of a value that are shown; values are told apart by all of them."""

_JSON_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "number",
    "UBIGINT": "number",
    "DOUBLE": "number",
    "HUGEINT": "number",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
}


@dataclass(frozen=True)
class _Meant:
    """How SQL reads what was asked for, and the type that it has there."""

    name: str
    sql: str
    kind: str
    key: str | None
    """The property, None for a column that shows none."""


def column_report(
    cursor: DuckDBPyConnection, source: Source, *, name: str, top: int
) -> ColumnReport:
    """Types, nulls, distinct values, ends and top values. Raises: QueryError."""
    found = _find(cursor, source, name)
    # Equal values are put together once; all figures come from that.
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE mp_values AS SELECT {_comparable(found)} AS value,"
        f" count(*) AS times FROM {source.sql} GROUP BY 1"
    )
    rows, nulls, distinct = cursor.execute(
        "SELECT coalesce(sum(times), 0)::BIGINT, coalesce(sum(times) FILTER (value IS NULL),"
        " 0)::BIGINT, count(value) FROM mp_values"
    ).fetchall()[0]
    least, greatest = _values(cursor, "SELECT min(value) AS a, max(value) AS b FROM mp_values")[0]
    frequent = _values(
        cursor,
        "SELECT value, times FROM mp_values WHERE value IS NOT NULL"
        f" ORDER BY times DESC, value LIMIT {top}",
    )
    return ColumnReport(
        table=source.name,
        column=found.name,
        sql=found.sql,
        types=_types(cursor, source, found, rows - nulls),
        rows=rows,
        nulls=nulls,
        distinct=distinct,
        min=least,
        max=greatest,
        top=[
            TopValue(value=value, count=times, share=round(times / rows, 4))
            for value, times in frequent
        ],
        hint=_hint(found),
    )


def _find(cursor: DuckDBPyConnection, source: Source, name: str) -> _Meant:
    """The column of that name, else of the property of that name, else the property in the rest."""
    kinds = dict(source.columns)
    keys = rest_keys.property_columns(cursor, source)
    columns = {key: column for column, key in keys.items()}
    folded = {column.casefold(): column for column in kinds}
    for candidate in (name, columns.get(name), folded.get(name.casefold())):
        if candidate in kinds:
            sql = as_column(candidate)
            return _Meant(
                keys.get(candidate, candidate), sql, kinds[candidate], keys.get(candidate)
            )
    if source.has_rest:
        held = cursor.execute(
            f"SELECT 1 FROM {source.sql} WHERE json_exists({REST}, {pointer(name)}) LIMIT 1"
        ).fetchone()
        if held:
            return _Meant(name, as_prop(name), "property", name)
    tail = list(rest_keys.tail_of(cursor, source).keys)
    close = meant(name, [column for column in kinds if column != REST], tail)
    raise QueryError(
        f"The table {source.name} has no column or property {name!r}.",
        hint=close or "inspect_schema lists all columns and properties.",
    )


def _comparable(found: _Meant) -> str:
    """What tells values apart: of what has no column, and of nested values, the JSON text."""
    if found.kind == "property":
        return f"nullif(({REST} -> {pointer(found.name)})::VARCHAR, 'null')::JSON"
    return found.sql


def _values(cursor: DuckDBPyConnection, sql: str) -> list[list[object]]:
    """Rows as JSON values; long ones are cut, lists and objects as their JSON text."""
    return [[_cut(value) for value in row] for row in read_all(cursor, sql)[1]]


def _cut(value: object) -> object:
    text = value if isinstance(value, str) else None
    if text is None and isinstance(value, list | dict):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value if text is None or len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _types(
    cursor: DuckDBPyConnection, source: Source, found: _Meant, values: int
) -> dict[str, int]:
    """Values by type; `JSON ...` are those that live in the rest, because no column fits them."""
    in_rest = _types_in_rest(cursor, source, found)
    if found.kind == "property":
        return in_rest
    if found.kind == "VARCHAR":
        # Its column shows the rest's values as text, too.
        in_rest.pop("JSON string", None)
        values -= sum(in_rest.values())
    return ({found.kind: values} if values else {}) | in_rest


def _types_in_rest(cursor: DuckDBPyConnection, source: Source, found: _Meant) -> dict[str, int]:
    if found.key is None or not source.has_rest:
        return {}
    shown = found.kind not in ("property", "VARCHAR")
    only = f" WHERE {found.sql} IS NULL" if shown else ""
    rows = cursor.execute(
        f"SELECT json_type({REST}, {pointer(found.key)}) AS type, count(*) FROM {source.sql}{only}"
        " GROUP BY type ORDER BY 2 DESC, 1"
    ).fetchall()
    types: dict[str, int] = {}
    for kind, count in rows:
        name = _JSON_TYPES.get(str(kind))
        if name:
            types[f"JSON {name}"] = types.get(f"JSON {name}", 0) + int(count)
    return types


def _hint(found: _Meant) -> str | None:
    if found.kind == "property":
        return f"It has no column of its own: {found.sql} gives its text."
    return None
