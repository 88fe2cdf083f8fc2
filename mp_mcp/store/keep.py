"""A SELECT that is kept as a table, and tables that are dropped: both inside a write's transaction.

Never alters a table that we did not make, and never replaces what was fetched.
"""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from mp_mcp.errors import NotReadOnlyError, TableExistsError, UsageError
from mp_mcp.results import Row
from mp_mcp.store import answer, catalog, layout
from mp_mcp.store.exact import identifier
from mp_mcp.store.guarded import Judged
from mp_mcp.store.models import DroppedTable, SavedTable
from mp_mcp.store.schema import ensure_schema, has_schema, utc_now
from mp_mcp.store.table_name import check_table_name
from mp_mcp.store.translate import table_missing

SAVED = "saved"
ANSWER = "answer"
_ANSWER = "mp_answer"
"""The temporary table between the read and the write."""


def check_place(
    cursor: DuckDBPyConnection, table: str, *, replace: bool, kind: str = SAVED
) -> bool:
    """Whether the name may be used for what is kept; True when it takes another's place.

    Raises: UsageError for a bad name, TableExistsError.
    """
    check_table_name(table)
    if not has_schema(cursor):
        return False  # asked again when it is there, before anything is written
    found = layout.find_table(cursor, table)
    if found is None:
        if layout.exists(cursor, table):
            raise layout.taken(cursor, table, "is not a table that mp made")
        return False
    if found.kind not in layout.KEPT:
        raise layout.taken(cursor, table, f"holds fetched {found.kind}, which are never replaced")
    if kind == ANSWER and found.kind != ANSWER:
        raise layout.taken(cursor, table, "was saved from SQL: only save_table replaces it")
    if not replace:
        raise TableExistsError(
            f"The table {found.name} exists already.",
            hint="Pass replace=true (--replace) to put this in its place, or use another name.",
        )
    return True


def answer_select(cursor: DuckDBPyConnection, judged: Judged) -> None:
    """Put the answer into a temporary table of this cursor: all that a read may write."""
    if judged.checked.explains:
        raise NotReadOnlyError("An EXPLAIN cannot be kept.", hint="Send the SELECT itself.")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {_ANSWER} AS\n{judged.checked.sql}")


def read_rows(cursor: DuckDBPyConnection, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Put an answer of Mixpanel into the temporary table of this cursor."""
    answer.read_rows(cursor, columns, rows, _ANSWER)


def keep_answer(
    cursor: DuckDBPyConnection, table: str, *, replace: bool, kind: str = SAVED
) -> SavedTable:
    """Make the answer of this cursor a table. Raises: as `check_place`."""
    # A file that another program made gets our bookkeeping with its first write.
    ensure_schema(cursor)
    replaced = check_place(cursor, table, replace=replace, kind=kind)
    if replaced:
        layout.drop_table(cursor, table)
    cursor.execute(f"CREATE TABLE main.{identifier(table)} AS FROM temp.main.{_ANSWER}")
    cursor.execute(
        "INSERT INTO _mp.tables VALUES (?, ?, NULL, ?, false, NULL)",
        [table, kind, utc_now()],
    )
    columns = cursor.execute(f"DESCRIBE main.{identifier(table)}").fetchall()
    _, rows = catalog.kind_and_rows(cursor, table)
    cursor.execute(f"DROP TABLE temp.main.{_ANSWER}")
    return SavedTable(table=table, rows=rows or 0, columns=len(columns), replaced=replaced)


def drop_tables(cursor: DuckDBPyConnection, names: Sequence[str]) -> list[DroppedTable]:
    """Remove these tables, each with all that belongs to it; one that may not go stops them all.

    Raises: TableMissingError, UsageError for a table that we did not make.
    """
    dropped = []
    once = {name.lower(): name for name in names}
    for found in [_table_of_ours(cursor, name) for name in once.values()]:
        _, rows = catalog.kind_and_rows(cursor, found.name)
        layout.drop_table(cursor, found.name)
        dropped.append(DroppedTable(name=found.name, kind=found.kind, rows=rows))
    return dropped


def _table_of_ours(cursor: DuckDBPyConnection, name: str) -> layout.Table:
    found = layout.find_table(cursor, name) if has_schema(cursor) else None
    if found is not None:
        return found
    if not layout.exists(cursor, name):
        raise table_missing(name, catalog.names(cursor).listed)
    raise UsageError(
        f"{name} is not a table that mp made: it can be queried, never dropped here.",
        hint="Drop it with the program that made it. Nothing was dropped.",
    )
