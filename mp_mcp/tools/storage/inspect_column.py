"""The tool inspect_column. Never writes."""

from typing import Annotated

from pydantic import Field

from mp_mcp.results import Result
from mp_mcp.store.handles import StoreReader
from mp_mcp.store.models import ColumnReport
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import TableOption

ColumnName = Annotated[
    str,
    Flag("-c", "--column"),
    Field(min_length=1, description="Column or property, as inspect_schema names it, e.g. $city"),
]
Top = Annotated[
    int, Flag("--top"), Field(ge=1, le=100, description="How many of the top values to list")
]


class InspectedColumn(Result, ColumnReport):
    """One column or property of one table, over all its rows."""


@tool
async def inspect_column(
    store: StoreReader, *, table: TableOption, column: ColumnName, top: Top = 10
) -> InspectedColumn:
    """Show one column or property of a local table in depth: types, nulls, range, top values.

    Use it to spell a filter right, or to see how often each value occurs. Not for all columns: use
    inspect_describe. Exact, over all rows, also of properties without a column.
    Example: table="events", column="plan".
    """
    found = await store.column(table, column, top=top)
    return InspectedColumn(**found.model_dump())
