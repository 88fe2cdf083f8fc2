"""The tool inspect_sample. Never writes."""

from typing import Annotated

from pydantic import Field

from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import TableOption

SampleRows = Annotated[
    int, Flag("-n", "--rows"), Field(ge=1, le=1_000, description="How many rows to pick")
]


@tool(idempotent=False)
async def inspect_sample(store: StoreReader, *, table: TableOption, rows: SampleRows = 10) -> Rows:
    """Show some rows of a local table, picked at random from all over it.

    Use it to see what rows look like. Not for chosen rows: use query_sql. Other rows come with
    every call; event tables show the properties as one object.
    Example: table="events", rows=3.
    """
    return await store.sample(table, rows)
