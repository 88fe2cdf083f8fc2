"""One fetched table: a stored table, the view that people query, and what we know of its columns.

Never alters a table that we did not make, and never reads an export.

The stored table `_mp.data_<name>` has the fixed columns, one column `p1`, `p2`, ... per frequent
property, and the rest. The view `main.<name>` shows every property under its own name: from its
column, from the rest, or from both when the column came after rows that hold it in the rest.

A profile is stored like an event whose name is the profile's id; of the other fixed columns it has
only what its own properties of these names say.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from mp_mcp.errors import TableExistsError
from mp_mcp.store import exact
from mp_mcp.store.exact import Column, Kind, identifier, literal
from mp_mcp.store.local_time import utc_column
from mp_mcp.store.schema import has_schema, utc_now
from mp_mcp.store.table_name import check_table_name

MAX_COLUMNS = 300
"""Properties with a column of their own: each costs every query about 24 microseconds to bind."""

RESERVED_KEYS = frozenset(exact.FIXED_KEYS)
"""Case-folded keys that no property column may have."""

KEPT = ("saved", "answer")
"""Kinds of tables that are tables: what a SELECT or Mixpanel answered, kept as it is."""

_LONGEST_NAME = 255
_FIXED_IN_VIEW = {
    "events": "event, time, distinct_id, insert_id, day",
    "profiles": "event AS distinct_id",
}
_VIEW_NAMES = {
    "events": ("event", "time", "distinct_id", "insert_id", "day", "properties", "_rest"),
    "profiles": ("distinct_id", "properties", "_rest"),
}
# No insert_id comes twice: looking for what repeats, as DuckDB does by itself, takes four times as
# long and saves a fifth of its size.
_STORED = (
    "event VARCHAR, time TIMESTAMP, distinct_id VARCHAR,"
    " insert_id VARCHAR USING COMPRESSION zstd, day DATE, kept UTINYINT, rest JSON"
)


@dataclass(frozen=True)
class Property:
    """What the bookkeeping says of one property of one table."""

    key: str
    view_name: str
    kind: Kind
    column_name: str | None = None
    in_rest: bool = False
    odd: bool = False

    @property
    def column(self) -> Column | None:
        """The stored column, None while every value lives in the rest."""
        return Column(self.key, self.kind, self.column_name) if self.column_name else None


@dataclass(frozen=True)
class Table:
    """A registered table."""

    name: str
    kind: str
    where: str | None
    unlisted: bool = False


def stored_name(table: str) -> str:
    """The stored table behind a view, as SQL."""
    return f"_mp.{identifier('data_' + table.lower())}"


def find_table(cursor: DuckDBPyConnection, name: str) -> Table | None:
    """The registered table of this name in any spelling of its case."""
    if not has_schema(cursor):
        return None
    row = cursor.execute(
        "SELECT name, kind, where_filter, unlisted FROM _mp.tables WHERE lower(name) = lower(?)",
        [name],
    ).fetchone()
    return Table(*row) if row else None


def check_kind(cursor: DuckDBPyConnection, table: str) -> Table | None:
    """The event table of that name, None when it is yet to be made.

    Raises: UsageError for a bad name, TableExistsError when the name has another meaning.
    """
    check_table_name(table)
    found = find_table(cursor, table)
    if found is None:
        if exists(cursor, table):
            raise taken(cursor, table, "is not a table that mp made")
        return None
    if found.kind != "events":
        raise taken(cursor, table, f"holds {found.kind}, not events")
    return found


def check_target(cursor: DuckDBPyConnection, table: str, where: str | None) -> Table | None:
    """The table that events with this filter may go into, None when it is yet to be made.

    Raises: UsageError for a bad name, TableExistsError when the name has another meaning.
    """
    found = check_kind(cursor, table)
    if found is not None and found.where != where:
        kept = f"only events where {found.where}" if found.where else "unfiltered events"
        raise taken(cursor, table, f"holds {kept}")
    return found


def exists(cursor: DuckDBPyConnection, name: str) -> bool:
    """Whether a query can name a table or view like this, whoever made it."""
    row = cursor.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database()"
        " AND table_schema = 'main' AND lower(table_name) = lower(?)",
        [name],
    ).fetchone()
    return row is not None


def taken(cursor: DuckDBPyConnection, table: str, why: str, *, also: str = "") -> TableExistsError:
    """The error of a name that is in use; its hint has a free one, and what `also` helps."""
    free = next(
        name for number in range(2, 1000) if not exists(cursor, name := f"{table[:58]}_{number}")
    )
    return TableExistsError(
        f"The table {table} exists and {why}.",
        hint=f"Use another table, for instance {free}. {also}".strip(),
    )


def create_table(
    cursor: DuckDBPyConnection, table: str, where: str | None, kind: str = "events"
) -> Table:
    """Make an empty table and register it; the view follows with `refresh_view`."""
    cursor.execute(f"CREATE TABLE {stored_name(table)} ({_STORED})")
    cursor.execute(
        "INSERT INTO _mp.tables VALUES (?, ?, ?, ?, false, NULL)",
        [table, kind, where, utc_now()],
    )
    return Table(table, kind, where)


def drop_table(cursor: DuckDBPyConnection, table: str) -> None:
    """Remove a table that we made: view, stored table, columns, coverage and loads together.

    Without its loads, because a job that goes on after it has to bring back what was dropped.
    """
    found = find_table(cursor, table)
    shape = "TABLE" if found is not None and found.kind in KEPT else "VIEW"
    cursor.execute(f"DROP {shape} IF EXISTS main.{identifier(table)}")
    cursor.execute(f"DROP TABLE IF EXISTS {stored_name(table)}")
    cursor.execute("DELETE FROM _mp.tables WHERE lower(name) = lower(?)", [table])
    for name in ("columns", "coverage", "loads"):
        cursor.execute(f"DELETE FROM _mp.{name} WHERE lower(table_name) = lower(?)", [table])
    refresh_prop(cursor)


def properties_of(cursor: DuckDBPyConnection, table: str) -> list[Property]:
    """The properties that have a column in the view, in its order."""
    rows = cursor.execute(
        "SELECT key, view_name, type, column_name, in_rest, odd FROM _mp.columns"
        " WHERE lower(table_name) = lower(?) ORDER BY position",
        [table],
    ).fetchall()
    return [
        Property(key, view_name, Kind(kind), column_name, in_rest, odd)
        for key, view_name, kind, column_name, in_rest, odd in rows
    ]


def save_properties(
    cursor: DuckDBPyConnection, table: str, properties: Sequence[Property], *, unlisted: bool
) -> None:
    """Replace what the bookkeeping says of this table's properties."""
    cursor.execute("UPDATE _mp.tables SET unlisted = ? WHERE name = ?", [unlisted, table])
    cursor.execute("DELETE FROM _mp.columns WHERE table_name = ?", [table])
    if not properties:
        return
    rows = [
        f"({literal(table)}, {literal(prop.key)},"
        f" {literal(prop.column_name) if prop.column_name else 'NULL'},"
        f" {literal(prop.view_name)}, {literal(prop.kind)}, {prop.in_rest}, {prop.odd}, {position})"
        for position, prop in enumerate(properties)
    ]
    cursor.execute(f"INSERT INTO _mp.columns VALUES {', '.join(rows)}")


def listable(key: str) -> bool:
    """Whether a column can have this name; any key is reachable through prop()."""
    return 0 < len(key) <= _LONGEST_NAME and min(key) >= " "


def promotable(key: str, taken: set[str]) -> bool:
    """Whether the key can have a stored column beside those of the case-folded keys `taken`."""
    return listable(key) and key.casefold() not in taken


def with_view_name(
    key: str, kind: Kind, properties: Iterable[Property], table_kind: str = "events"
) -> Property:
    """The key with a name that is free in the view; DuckDB's names ignore case."""
    used = {name.casefold() for name in _VIEW_NAMES[table_kind]}
    used |= {prop.view_name.casefold() for prop in properties}
    name, number = key, 2
    while name.casefold() in used:
        name, number = f"{key}_{number}", number + 1
    return Property(key, name, kind)


def promote(
    cursor: DuckDBPyConnection, table: str, prop: Property, properties: Sequence[Property]
) -> Property:
    """Give the property a stored column, empty in the rows that are there."""
    used = [int(other.column_name[1:]) for other in properties if other.column_name]
    name = f"p{max(used, default=0) + 1}"
    cursor.execute(f"ALTER TABLE {stored_name(table)} ADD COLUMN {name} {prop.kind}")
    return replace(prop, column_name=name)


def stored_columns(properties: Iterable[Property]) -> list[Column]:
    """The columns of the stored table."""
    return [column for prop in properties if (column := prop.column)]


def refresh_view(
    cursor: DuckDBPyConnection,
    table: str,
    properties: Sequence[Property],
    table_kind: str = "events",
) -> None:
    """Make the view show these properties, and prop() know which keys are columns."""
    whole = exact.rebuilt(stored_columns(properties))
    shown = "".join(
        f", {_shown(prop, whole)} AS {identifier(prop.view_name)}" for prop in properties
    )
    taken = {prop.view_name.casefold() for prop in properties}
    utc = utc_column(cursor, table, taken) if table_kind == "events" else ""
    cursor.execute(
        f"CREATE OR REPLACE VIEW main.{identifier(table)} AS"
        f" SELECT {_FIXED_IN_VIEW[table_kind]}{utc}{shown}, {whole} AS properties,"
        f" rest AS _rest FROM {stored_name(table)}"
    )
    refresh_prop(cursor)


def _shown(prop: Property, whole: str) -> str:
    if prop.key in exact.FIXED_KEYS:
        # Only profiles show these as properties, and seldom have any.
        return exact.rest_column(whole, prop.key, prop.kind, odd=prop.odd)
    if prop.column_name is None:
        return exact.rest_column("rest", prop.key, prop.kind, odd=prop.odd)
    if prop.in_rest or (prop.odd and prop.kind is Kind.TEXT):
        in_rest = exact.rest_column("rest", prop.key, prop.kind, odd=prop.odd)
        return f"coalesce({prop.column_name}, {in_rest})"
    return prop.column_name


def refresh_prop(cursor: DuckDBPyConnection) -> None:
    """The macro prop(name): any property as text, whether or not it has a column.

    DuckDB folds the condition for a constant name: only keys that are a column in some table
    rebuild the object, all others read the rest alone.
    """
    keys = cursor.execute(
        "SELECT DISTINCT key FROM _mp.columns WHERE column_name IS NOT NULL ORDER BY key"
    ).fetchall()
    moved = ", ".join(literal(key) for key in (*exact.FIXED_KEYS, *(row[0] for row in keys)))
    # Without `|| ''` DuckDB looks for the columns when the macro is made, and fails.
    cursor.execute(
        f"CREATE OR REPLACE MACRO main.prop(name) AS (CASE WHEN name IN ({moved})"
        " THEN properties ELSE _rest END)"
        " ->> ('/' || replace(replace(name || '', '~', '~0'), '/', '~1'))"
    )
