"""What is in the file: the tables for people, and the names that SQL may use.

Never writes, and never shows our own bookkeeping (schema `_mp`).
"""

from dataclasses import dataclass

import duckdb

from mp_mcp.store import coverage
from mp_mcp.store.exact import identifier
from mp_mcp.store.layout import stored_name
from mp_mcp.store.models import TableInfo
from mp_mcp.store.schema import has_schema


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


def tables(cursor: duckdb.DuckDBPyConnection) -> list[TableInfo]:
    """Every table that a query can name, by name, in one committed state."""
    # A table that goes between two of the statements would fail them.
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        return _tables(cursor)
    finally:
        cursor.execute("ROLLBACK")


def _tables(cursor: duckdb.DuckDBPyConnection) -> list[TableInfo]:
    ours = _kinds(cursor)
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
        listed.append(info.model_copy(update=_covered(cursor, name) if is_ours else {}))
    return listed


def kind_and_rows(cursor: duckdb.DuckDBPyConnection, name: str) -> tuple[str, int | None]:
    """Kind of one table, spelled as it is listed, and its rows unless counting could be slow."""
    kind, _ = _kinds(cursor).get(name, ("other", None))
    view = cursor.execute(
        "SELECT 1 FROM duckdb_views() WHERE database_name = current_database()"
        " AND schema_name = 'main' AND view_name = ?",
        [name],
    ).fetchone()
    return kind, _rows(cursor, name, is_view=view is not None, is_ours=kind != "other")


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


def _covered(cursor: duckdb.DuckDBPyConnection, name: str) -> dict[str, object]:
    found = coverage.summary(cursor, name)
    if not found.days:
        return {}
    return {
        "first_day": found.first_day,
        "last_day": found.last_day,
        "days": found.days,
        "missing_days": found.missing_days,
    }
