"""Exports too large to wait for their swap in memory: a table of the file holds them meanwhile.

Never leaves such a table behind: what a crash left is dropped when the file is opened next. It is
in our own schema, which inspect_tables and copies of the file do not show.
"""

# The names are our own.
# ruff: noqa: S608

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

from anyio import CancelScope
from duckdb import DuckDBPyConnection

from mp_mcp.errors import MpError
from mp_mcp.store.database import Database
from mp_mcp.store.exact import identifier
from mp_mcp.store.rejects import is_gzip
from mp_mcp.store.write_queue import WriteQueue

LARGE_BYTES = 30_000_000
"""Compressed size of about 250,000 events: some 200 MB in memory, while a stored table is packed
and written as it grows. That costs a third more of the processor, so smaller loads do without."""

_PACKING = 5
"""How much gzip makes of an export."""
STAGED = "staged_"
"""How the names of these tables begin."""

_log = logging.getLogger(__name__)
_numbers = count(1)


def are_large(files: Sequence[Path]) -> bool:
    """Whether these files should not be unpacked in memory."""
    sizes = (file.stat().st_size // (1 if is_gzip(file) else _PACKING) for file in files)
    return sum(sizes) > LARGE_BYTES


@asynccontextmanager
async def staging_place(
    database: Database, queue: WriteQueue, files: Sequence[Path]
) -> AsyncIterator[str | None]:
    """The name of a stored table for the rows of large files, None for others. One at a time."""
    if not are_large(files):
        yield None
        return
    name = f"_mp.{STAGED}{next(_numbers)}"
    async with queue.large_load:
        try:
            yield name
        except BaseException:
            with CancelScope(shield=True):
                await _drop(database, name)
            raise


def drop_leftovers(cursor: DuckDBPyConnection, database: str) -> None:
    """Drop what loads have staged in a database where none of them goes on."""
    found = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ?"
        f" AND schema_name = '_mp' AND starts_with(table_name, '{STAGED}')",
        [database],
    ).fetchall()
    for (name,) in found:
        cursor.execute(f"DROP TABLE {identifier(database)}._mp.{name}")


async def _drop(database: Database, name: str) -> None:
    try:
        await database.run(partial(_drop_table, name=name), write=True)
    except MpError as error:
        _log.info("%s is dropped when the file is opened next: %s", name, error)


def _drop_table(cursor: DuckDBPyConnection, name: str) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {name}")
