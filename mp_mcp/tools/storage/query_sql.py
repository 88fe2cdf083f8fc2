"""The tool query_sql. Never writes: the store refuses anything that is not a read."""

from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.tool import tool
from mp_mcp.tools.params import Offset, RowLimit, Sql, SqlParams, Timeout


@tool(essential=True)
async def query_sql(
    store: StoreReader,
    sql: Sql,
    *,
    limit: RowLimit = 1000,
    offset: Offset = 0,
    timeout: Timeout = None,  # noqa: ASYNC109 - the contract's name; the store enforces it
    params: SqlParams = None,
) -> Rows:
    """Run one read-only SQL statement (DuckDB dialect) on the fetched tables.

    Use it for every question about fetched days: it is free and fast. Not for days that
    inspect_tables does not show: use fetch_events first. Event tables have event, time,
    distinct_id, insert_id, day, a column per property (quote a $: "$city") and properties (the JSON
    object); prop('name') reaches any property. Aggregate: answers end at 1000 rows or about 30 kB.
    Values that are not yours belong in params: WHERE plan = $plan.
    Example: SELECT day, count(*) FROM events WHERE event = 'Signup' GROUP BY day ORDER BY day.
    """
    return await store.query(sql, params=params, limit=limit, offset=offset, timeout_s=timeout)
