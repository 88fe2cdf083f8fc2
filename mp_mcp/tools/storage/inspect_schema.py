"""The tool inspect_schema. Never writes."""

from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.tool import tool
from mp_mcp.tools.params import TableOption


@tool(essential=True)
async def inspect_schema(store: StoreReader, *, table: TableOption) -> Rows:
    """Show the columns and properties of a local table: type, how full, examples, how to write it.

    Use it before SQL on a table that is new to you: the column sql is what to write. Not for
    values: use inspect_column. share is the part of rows with a value. Last come properties without
    a column.
    Example: table="events".
    """
    return await store.schema(table)
