"""The tool snapshot_database. Never writes outside the spool: `mp` moves the file."""

from typing import Annotated

from pydantic import Field

from mp_mcp.results import Result
from mp_mcp.store.handles import StoreReader
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import Force, require_free

SnapshotFile = Annotated[
    str, Flag(argument="FILE"), Field(min_length=1, description="File to write, e.g. events.duckdb")
]


class Snapshot(Result):
    """A copy of the database."""

    file: str
    bytes: int
    spooled: str | None = Field(default=None, description="where the file waits to be moved")


@tool(command="snapshot", human_only=True)
async def snapshot_database(
    store: StoreReader, file: SnapshotFile, *, force: Force = False
) -> Snapshot:
    """Copy the project's whole database to a file that any DuckDB program can open.

    The copy is one committed state, made while agents go on reading and writing. Use it for
    notebooks and backups, instead of opening the live file.
    Example: file="backup.duckdb".
    """
    require_free(file, force=force)
    found = await store.snapshot()
    return Snapshot(file=file, bytes=found.bytes, spooled=found.path)
