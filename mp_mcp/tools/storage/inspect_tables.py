"""The tool inspect_tables. Never writes."""

from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.store.models import TableInfo
from mp_mcp.tool import tool


@tool(essential=True)
async def inspect_tables(store: StoreReader) -> Rows:
    """List the tables that query_sql can read, with row counts and the days that are complete.

    Use it before writing SQL, and to see which days are there. Not for columns: use inspect_schema.
    Nothing listed means nothing fetched: use fetch_events.
    """
    tables = await store.tables()
    columns = list(TableInfo.model_fields)
    rows = [list(table.model_dump(mode="json").values()) for table in tables]
    return Rows(
        columns=columns,
        rows=rows,
        row_count=len(rows),
        hint=None if rows else "No tables yet: call fetch_events to get some.",
    )
