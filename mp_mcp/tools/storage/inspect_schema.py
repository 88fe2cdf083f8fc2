"""The tool inspect_schema. Never writes."""

from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.tool import tool
from mp_mcp.tools.params import TableOption


@tool(essential=True)
async def inspect_schema(store: StoreReader, *, table: TableOption) -> Rows:
    """Show the columns and properties of a local table: type, how full, examples, how to write it.

    Use it before writing SQL on a table that you do not know; the column sql is what to write.
    First the columns, then properties that have none and that prop('name') reaches. share is the
    part of the rows that have a value, from 0 to 1.
    Example: table="events".
    """
    return await store.schema(table)
