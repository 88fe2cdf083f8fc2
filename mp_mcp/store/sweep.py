"""Deleted rows go for good: a table of ours that holds more of them than of others is written anew.

DuckDB leaves them out at a checkpoint that no query overlaps; on a busy server there may be none
for hours. Never commits, and never touches a table that people made.
"""

# Names are our own or quoted by exact.py.
# ruff: noqa: S608

import logging

from duckdb import DuckDBPyConnection

from mp_mcp.errors import MpError
from mp_mcp.store.exact import identifier
from mp_mcp.store.large import STAGED
from mp_mcp.store.write_queue import WriteQueue

ROW_GROUP = 122_880
"""Rows that DuckDB keeps together: for fewer deleted ones than these nothing is written anew."""

_FRESH = "_mp.fresh"

logger = logging.getLogger(__name__)


async def sweep_after(queue: WriteQueue, replaced: int) -> None:
    """Sweep, as a write of its own, when rows were replaced; what it is for is committed."""
    if not replaced:
        return
    try:
        await queue.submit(sweep)
    except MpError as error:
        logger.warning("Deleted rows were not swept up: %s", error)


def sweep(cursor: DuckDBPyConnection) -> None:
    """Write anew each table of our schema that is mostly deleted rows."""
    found = cursor.execute(
        "SELECT table_name, estimated_size, sql FROM duckdb_tables()"
        " WHERE database_name = current_database() AND schema_name = '_mp'"
        " AND estimated_size > ? AND NOT starts_with(table_name, ?)",
        # Others may be filling a staged table just now.
        [ROW_GROUP, STAGED],
    ).fetchall()
    for name, stored, made_by in found:
        table = f"_mp.{identifier(name)}"
        living = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        if stored - living > max(living, ROW_GROUP):
            _write_anew(cursor, table, name, made_by)


def _write_anew(cursor: DuckDBPyConnection, table: str, name: str, made_by: str) -> None:
    """Each row is copied at most once for each row that was deleted."""
    # DuckDB's own words for the table have its types and how it is compressed.
    columns = made_by[made_by.index("(") :]
    cursor.execute(f"CREATE TABLE {_FRESH}{columns}")
    cursor.execute(f"INSERT INTO {_FRESH} SELECT * FROM {table}")
    cursor.execute(f"DROP TABLE {table}")
    cursor.execute(f"ALTER TABLE {_FRESH} RENAME TO {identifier(name)}")
