"""Deleted rows go for good: a table of ours that holds more of them than of others is written anew.

DuckDB leaves them out at a checkpoint that no query overlaps; on a busy server there may be none
for hours. In quiet moments the log goes into the file, too. Never touches a table that people made,
and leaves a closed file closed.
"""

# Names are our own, and quoted by exact.py.
# ruff: noqa: S608

import logging
import shutil
from functools import partial

from mp_mcp.errors import MpError
from mp_mcp.store import file_size
from mp_mcp.store.database import Cursor, Database, DatabaseStatus
from mp_mcp.store.exact import identifier
from mp_mcp.store.large import STAGED
from mp_mcp.store.schema import has_schema
from mp_mcp.store.write_queue import WriteQueue

ROW_GROUP = 122_880
"""Rows that DuckDB keeps together: for fewer deleted ones than these nothing is written anew."""

ROOM = 2
"""So many times the file has to be free on its disk: loads need the space more."""

_FRESH = f"_mp.{STAGED}anew"

logger = logging.getLogger(__name__)


class Sweeper:
    """Sweeps one file; each table is a write of its own, so that others come between."""

    def __init__(self, database: Database, queue: WriteQueue) -> None:
        self._database = database
        self._queue = queue
        self._generation = -1

    async def sweep(self) -> None:
        """Look whether something was written since the last time. Never fails for want of space."""
        status, generation = self._database.status(), self._database.generation
        if status.state != "open" or generation == self._generation:
            return
        if not _has_room(status):
            return
        try:
            for table in await self._database.run(mostly_deleted):
                await self._queue.submit(partial(write_anew, table=table))
        except MpError as error:
            logger.warning("Deleted rows were not swept up: %s", error)
        self._generation = self._database.generation

    async def merge_log(self) -> None:
        """For a quiet moment: what is in the log is in memory, too, until it is in the file."""
        status = self._database.status()
        if status.state != "open" or not file_size.of_log(status.path):
            return
        # A checkpoint that fills the disk takes the open file along, and reads with it.
        if not _has_room(status):
            return
        try:
            await self._queue.submit(lambda _: None, checkpoint=True)
        except MpError as error:
            logger.warning("The log was not merged into the file: %s", error)
        # Nothing to sweep came with that: an idle file is not to be touched again.
        self._generation = self._database.generation


def _has_room(status: DatabaseStatus) -> bool:
    return shutil.disk_usage(status.path.parent).free >= ROOM * status.size


def mostly_deleted(cursor: Cursor) -> list[str]:
    """The stored tables of ours with more deleted rows than others, and than a row group."""
    if not has_schema(cursor):
        return []
    found = cursor.execute(
        # Only another program can have made an index: it would be lost.
        "SELECT table_name, estimated_size FROM duckdb_tables() WHERE index_count = 0"
        " AND database_name = current_database() AND schema_name = '_mp' AND estimated_size > ?"
        " AND table_name IN (SELECT 'data_' || lower(name) FROM _mp.tables)",
        [ROW_GROUP],
    ).fetchall()
    return [name for name, stored in found if _is_mostly_deleted(cursor, name, stored)]


def _is_mostly_deleted(cursor: Cursor, name: str, stored: int) -> bool:
    rows = cursor.execute(f"SELECT count(*) FROM _mp.{identifier(name)}").fetchall()
    living = int(rows[0][0])
    # So each row is copied at most once for each row that was deleted.
    return stored - living > max(living, ROW_GROUP)


def write_anew(cursor: Cursor, table: str) -> None:
    """Write the table anew; queries that have begun keep the old one until they end."""
    found = cursor.execute(
        "SELECT sql FROM duckdb_tables() WHERE database_name = current_database()"
        " AND schema_name = '_mp' AND table_name = ?",
        [table],
    ).fetchone()
    if found is None:
        return  # dropped meanwhile
    # DuckDB's own words for the table have its types and how it is compressed.
    columns = found[0][found[0].index("(") :]
    stored = f"_mp.{identifier(table)}"
    cursor.execute(f"CREATE OR REPLACE TABLE {_FRESH}{columns}")
    cursor.execute(f"INSERT INTO {_FRESH} SELECT * FROM {stored}")
    cursor.execute(f"DROP TABLE {stored}")
    cursor.execute(f"ALTER TABLE {_FRESH} RENAME TO {identifier(table)}")
