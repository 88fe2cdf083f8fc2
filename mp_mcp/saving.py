"""save_as: the answer of an API tool becomes a table, in a step after the tool has answered.

Never loses the answer: when it cannot be kept, it is given as it is, with the reason.
"""

from typing import Protocol

from mp_mcp.errors import MpError
from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreWriter
from mp_mcp.tool import Handle

SAMPLE_ROWS = 5
"""Rows of a kept answer that are still shown."""


class Lends(Protocol):
    """Who lends a call its handles."""

    async def lend(self, handle: type[Handle]) -> Handle:
        """The capability. Raises: MpError."""


async def save(answer: Rows, table: str, standing: Lends) -> None:
    """Keep the whole answer as a table and leave a sample of it, or say why it was not kept."""
    try:
        store = await standing.lend(StoreWriter)
        if not isinstance(store, StoreWriter):
            raise TypeError(store)
        kept = await store.keep_rows(table, answer.columns, answer.rows)
    except MpError as error:
        answer.not_saved = error.info().as_dict()
        told = f"The answer is whole, but was not saved as {table}: not_saved says why."
        answer.hint = f"{told} {answer.hint or ''}".strip()
        return
    answer.saved_as, answer.saved_rows = kept.table, kept.rows
    said = f"All {kept.rows:,} rows are in the table {kept.table}: query_sql reads it."
    if answer.truncated:
        said = f"These {kept.rows:,} rows are in the table {kept.table}."
    answer.truncated = answer.truncated or len(answer.rows) > SAMPLE_ROWS
    answer.hint = f"{said} {answer.hint or ''}".strip()
    answer.rows = answer.rows[:SAMPLE_ROWS]
    answer.row_count = len(answer.rows)
