"""The tool save_table. Never replaces a table that was fetched, or that mp did not make."""

from typing import Annotated

from pydantic import Field

from mp_mcp.results import Result
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import SavedTable
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import Sql, Table, Timeout

Replace = Annotated[
    bool, Flag("--replace"), Field(description="Replace a table that was saved before")
]


class Saved(Result, SavedTable):
    """A SELECT that became a table."""


@tool(essential=True)
async def save_table(
    store: StoreWriter,
    table: Table,
    sql: Sql,
    *,
    replace: Replace = False,
    timeout: Timeout = None,  # noqa: ASYNC109 - the contract's name; the store enforces it
) -> Saved:
    """Keep the answer of a SELECT as a local table that query_sql can read.

    Use it for a step that several queries build on. Not for an API answer: its tool has save_as.
    The table does not change with its sources; fetched tables are never replaced.
    Example: table="signups", sql="SELECT day, count(*) AS n FROM events GROUP BY day".
    """
    found = await store.save(table, sql, replace=replace, timeout_s=timeout)
    return Saved(**found.model_dump())
