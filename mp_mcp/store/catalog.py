"""What is in the file: the tables for people, and the names that SQL may use.

Never writes, and never shows our own bookkeeping (schema `_mp`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from mp_mcp.store import coverage
from mp_mcp.store.exact import identifier
from mp_mcp.store.layout import find_table, stored_name
from mp_mcp.store.models import TableInfo
from mp_mcp.store.schema import has_schema

MOST_GAPS = 20
"""Gaps of a table that are listed; more say that nobody reads them."""


@dataclass(frozen=True)
class Names:
    """What SQL can name in one committed state of the file."""

    database: str
    tables: frozenset[tuple[str, str]]
    """(schema, name) of tables and views, in lower case."""
    foreign_views: dict[tuple[str, str], str]
    """The SQL of views that we did not make."""
    listed: tuple[str, ...]
    """Names as they are spelled, without our bookkeeping: what a hint may suggest."""

    def key(self, path: tuple[str, ...]) -> tuple[str, str] | None:
        """The table that a path names, or None when there is none."""
        if len(path) == 3 and path[0] != self.database:
            return None
        key = (path[-2] if len(path) > 1 else "main", path[-1])
        if len(path) == 2 and path[0] == self.database and key not in self.tables:
            key = ("main", path[-1])
        return key if key in self.tables else None


class Seen:
    """The tables as somebody last saw them; None until then."""

    def __init__(self) -> None:
        self.tables: list[TableInfo] | None = None


class NamesCache:
    """The names of one database, asked for again only after something was written."""

    def __init__(self) -> None:
        self._kept: tuple[int, Names] | None = None

    def get(self, cursor: duckdb.DuckDBPyConnection, generation: int) -> Names:
        """The names at `generation`, which was read before the cursor's transaction began."""
        kept = self._kept
        if kept is None or kept[0] != generation:
            kept = self._kept = (generation, names(cursor))
        return kept[1]


def names(cursor: duckdb.DuckDBPyConnection) -> Names:
    """Every table and view of the file."""
    tables = cursor.execute(
        "SELECT schema_name, table_name FROM duckdb_tables()"
        " WHERE database_name = current_database()"
    ).fetchall()
    views = cursor.execute(
        "SELECT schema_name, view_name, sql FROM duckdb_views()"
        " WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    ours = _ours(cursor)
    every = [(schema, name) for schema, name in tables] + [(s, n) for s, n, _ in views]
    row = cursor.execute("SELECT current_database()").fetchone()
    return Names(
        str(row[0]).lower() if row else "",
        frozenset((schema.lower(), name.lower()) for schema, name in every),
        {
            (schema.lower(), name.lower()): sql
            for schema, name, sql in views
            if schema != "_mp" and not (schema == "main" and name in ours)
        },
        tuple(name for schema, name in every if schema == "main"),
    )


def _ours(cursor: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return frozenset(_kinds(cursor))


def tables(
    cursor: duckdb.DuckDBPyConnection, *, late_days: float = coverage.LATE_DAYS
) -> list[TableInfo]:
    """Every table that a query can name, by name, in one committed state."""
    # A table that goes between two of the statements would fail them.
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        return _tables(cursor, late_days)
    finally:
        cursor.execute("ROLLBACK")


def _tables(cursor: duckdb.DuckDBPyConnection, late_days: float) -> list[TableInfo]:
    ours = _kinds(cursor)
    times = _fetched(cursor)
    found = cursor.execute(
        "SELECT table_name, column_count, 'BASE TABLE' FROM duckdb_tables()"
        " WHERE database_name = current_database() AND schema_name = 'main'"
        " UNION ALL SELECT view_name, column_count, 'VIEW' FROM duckdb_views()"
        " WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal"
        " ORDER BY 1"
    ).fetchall()
    listed = []
    for name, columns, shape in found:
        kind, where = ours.get(name, ("other", None))
        is_ours = kind != "other"
        info = TableInfo(
            name=name,
            kind=kind,
            rows=_rows(cursor, name, is_view=shape == "VIEW", is_ours=is_ours),
            columns=columns,
            where=where,
        )
        known = {}
        if is_ours:
            known = {**_covered(cursor, name, late_days), "fetched_at": times.get(name)}
        listed.append(info.model_copy(update=known))
    return listed


def count_rows(
    cursor: duckdb.DuckDBPyConnection, table: str, days: tuple[date, date], events: Sequence[str]
) -> int:
    """Rows of these days, of these events or of all; 0 without such a table."""
    if find_table(cursor, table) is None:
        return 0
    only = " AND list_contains(?::VARCHAR[], event)" if events else ""
    row = cursor.execute(
        f"SELECT count(*) FROM {stored_name(table)} WHERE day BETWEEN ? AND ?{only}",  # noqa: S608
        [*days, *([list(events)] if events else [])],
    ).fetchone()
    return int(row[0]) if row else 0


def kind_and_rows(cursor: duckdb.DuckDBPyConnection, name: str) -> tuple[str, int | None]:
    """Kind of one table, spelled as it is listed, and its rows unless counting could be slow."""
    kind, _ = _kinds(cursor).get(name, ("other", None))
    view = cursor.execute(
        "SELECT 1 FROM duckdb_views() WHERE database_name = current_database()"
        " AND schema_name = 'main' AND view_name = ?",
        [name],
    ).fetchone()
    return kind, _rows(cursor, name, is_view=view is not None, is_ours=kind != "other")


def _fetched(cursor: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """When each table was loaded last; a load of some profiles says nothing about the others."""
    if not has_schema(cursor):
        return {}
    rows = cursor.execute(
        "SELECT name, coalesce(max(loaded_at) FILTER (report ->> '/partial' IS DISTINCT FROM"
        " 'true'), max(loaded_at))"
        " FROM _mp.tables JOIN _mp.loads ON table_name = name"
        " AND loaded_at >= created_at GROUP BY name"
    ).fetchall()
    return dict(rows)


def _kinds(cursor: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str | None]]:
    """Kind and filter of every table that we made, by name."""
    if not has_schema(cursor):
        return {}
    rows = cursor.execute("SELECT name, kind, where_filter FROM _mp.tables").fetchall()
    return {name: (kind, where) for name, kind, where in rows}


def _rows(
    cursor: duckdb.DuckDBPyConnection, name: str, *, is_view: bool, is_ours: bool
) -> int | None:
    if is_view and not is_ours:
        return None  # counting could take minutes
    table = stored_name(name) if is_view else f"main.{identifier(name)}"
    row = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - quoted
    return int(row[0]) if row else 0


def _covered(cursor: duckdb.DuckDBPyConnection, name: str, late_days: float) -> dict[str, object]:
    found = coverage.summary(cursor, name)
    if not found.days:
        return {}
    first, last = min(found.days), max(found.days)
    gaps = [spelled_range(*gap) for gap in found.gaps]
    return {
        "first_day": first,
        "last_day": last,
        "days": len(found.days),
        "missing_days": (last - first).days + 1 - len(found.days),
        "gaps": [*gaps[:MOST_GAPS], *(["..."] if len(gaps) > MOST_GAPS else [])] or None,
        "stale_days": len(found.stale(late_days)),
        "events": list(found.events) or None,
    }


def spelled_range(first: date, last: date) -> str:
    """Days as people write them."""
    return str(first) if first == last else f"{first}..{last}"
