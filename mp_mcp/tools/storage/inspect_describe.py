"""The tool inspect_describe. Never writes."""

from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.tool import tool
from mp_mcp.tools.params import TableOption


@tool
async def inspect_describe(store: StoreReader, *, table: TableOption) -> Rows:
    """Summarise every column of a local table: count, nulls, distinct, range, mean, quartiles, top.

    Use it to find what is odd or worth a question. Not for one column: inspect_column is exact and
    lists its values. Of a big table a sample is read.
    Example: table="events".
    """
    return await store.describe(table)
