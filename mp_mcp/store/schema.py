"""Our bookkeeping inside a project file, in the schema `_mp`.

Never touches a table that we did not make, and never opens or commits anything.
"""

from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from mp_mcp.errors import DatabaseCorruptError

VERSION = 2

_TABLES = """
CREATE SCHEMA _mp;
CREATE TABLE _mp.meta (name VARCHAR, value VARCHAR);
CREATE TABLE _mp.tables (
    name VARCHAR, kind VARCHAR, where_filter VARCHAR, created_at TIMESTAMP, unlisted BOOLEAN,
    zone VARCHAR
);
CREATE TABLE _mp.columns (
    table_name VARCHAR, key VARCHAR, column_name VARCHAR, view_name VARCHAR, type VARCHAR,
    in_rest BOOLEAN, odd BOOLEAN, position INTEGER
);
CREATE TABLE _mp.coverage (
    table_name VARCHAR, day DATE, event VARCHAR, fetched_at TIMESTAMP, job_id VARCHAR
);
CREATE TABLE _mp.loads (
    job_id VARCHAR, table_name VARCHAR, loaded_at TIMESTAMP, report VARCHAR
);
"""
# tables: kind is events, profiles, saved or answer; unlisted = some property got no column (see
#   layout); zone = the times are those of this zone's clock (see local_time).
# columns: one property of one table; column_name is NULL while all its values live in the rest;
#   in_rest = the rest may hold values of this type, too; odd = the rest holds other types.
# coverage: event NULL means every event of that day.
# loads: a row without a table only notes that this job has made its table anew.

_MIGRATIONS: dict[int, str] = {1: "ALTER TABLE _mp.tables ADD COLUMN zone VARCHAR"}
"""SQL that brings a file from this version to the next."""


def utc_now() -> datetime:
    """Now, as the naive UTC timestamp that the database keeps."""
    return datetime.now(UTC).replace(tzinfo=None)


def has_schema(cursor: DuckDBPyConnection) -> bool:
    """Whether this file has our bookkeeping; one that older programs made may not."""
    found = cursor.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = '_mp' AND table_name = 'meta'"
    ).fetchone()
    return found is not None


def is_empty(cursor: DuckDBPyConnection) -> bool:
    """Whether nobody has put anything into this file yet."""
    found = cursor.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database()"
        " UNION ALL SELECT 1 FROM duckdb_views()"
        " WHERE database_name = current_database() AND NOT internal"
    ).fetchone()
    return found is None


def ensure_schema(cursor: DuckDBPyConnection) -> None:
    """Create the bookkeeping, or bring it to this version; the caller holds the transaction.

    Raises: DatabaseCorruptError when a newer program wrote it.
    """
    if not has_schema(cursor):
        for statement in filter(str.strip, _TABLES.split(";")):
            cursor.execute(statement)
        cursor.execute("INSERT INTO _mp.meta VALUES ('version', ?)", [str(VERSION)])
        return
    for version in range(check_version(cursor), VERSION):
        cursor.execute(_MIGRATIONS[version])
        cursor.execute("UPDATE _mp.meta SET value = ? WHERE name = 'version'", [str(version + 1)])


def check_version(cursor: DuckDBPyConnection) -> int:
    """The layout of this file, which has our bookkeeping.

    Raises: DatabaseCorruptError when a newer program wrote it.
    """
    found = _version(cursor)
    if found > VERSION:
        raise DatabaseCorruptError(
            f"The database has layout {found}, this program knows layouts up to {VERSION}.",
            hint="A newer mp wrote it: update mp-mcp, or use another MP_HOME.",
        )
    return found


def _version(cursor: DuckDBPyConnection) -> int:
    row = cursor.execute("SELECT value FROM _mp.meta WHERE name = 'version'").fetchone()
    if row is None or not str(row[0]).isdigit():
        raise DatabaseCorruptError(
            "The database has mp's bookkeeping, but no version in it.",
            hint="Move the file away and fetch again, or put a copy of yours back.",
        )
    return int(row[0])
