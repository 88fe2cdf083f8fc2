"""The tool drop_table. Never drops a part of what it was asked to, or what mp did not make."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from mp_mcp.errors import UsageError
from mp_mcp.results import Result
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import DroppedTable
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import as_list

TableNames = Annotated[
    tuple[str, ...],
    BeforeValidator(as_list),
    Flag(argument="TABLE..."),
    Field(min_length=1, description="Tables to drop: all of them or, when one cannot be, none"),
]
Confirm = Annotated[
    bool,
    Flag("-y", "--confirm"),
    Field(description="Must be true: the human agreed that these tables go"),
]


class Dropped(Result):
    """Tables that are gone."""

    dropped: list[DroppedTable]


@tool(destructive=True)
async def drop_table(store: StoreWriter, table: TableNames, *, confirm: Confirm = False) -> Dropped:
    """Delete local tables with everything that belongs to them, such as which days are complete.

    Use it when the human agreed that tables go: pass confirm=true. Not for outdated days:
    fetch_events with refresh brings them anew. It cannot be undone. Tables of other programs are
    never dropped.
    Example: table=["signups"], confirm=true.
    """
    if not confirm:
        raise UsageError(
            f"Nothing was dropped: {', '.join(table)} would be gone for good.",
            hint="Pass confirm=true (on a command line --confirm) when that is wanted.",
        )
    return Dropped(dropped=await store.drop(table))
