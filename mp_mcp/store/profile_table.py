"""What a profile table is about: its filter, and whether a fetch may go into it.

Never changes anything.
"""

import json

from duckdb import DuckDBPyConnection

from mp_mcp.store import layout
from mp_mcp.store.models import ProfileChoice
from mp_mcp.store.table_name import check_table_name

KIND = "profiles"

_SOME = ("distinct_ids", "only those that were asked for")
"""The part of a filter that says that the table was never fetched as a whole."""


def filter_of(choice: ProfileChoice, *, partial: bool = False) -> str | None:
    """The filter as the bookkeeping keeps and shows it: the expression alone, or all as JSON."""
    parts: dict[str, object] = {
        "cohort": choice.cohort,
        "output_properties": sorted(set(choice.output_properties)) or None,
        "where": choice.where,
    }
    if partial:
        parts[_SOME[0]] = _SOME[1]
    return _text({name: value for name, value in parts.items() if value is not None})


def _text(parts: dict[str, object]) -> str | None:
    if parts.keys() <= {"where"}:
        return str(parts["where"]) if parts else None
    return json.dumps(parts, ensure_ascii=False)


def _whole(kept: str | None) -> str | None:
    """The filter of a table without the mark that it was fetched in part."""
    # No filter expression begins like an object.
    if kept is None or not kept.startswith("{"):
        return kept
    parts = json.loads(kept)
    parts.pop(_SOME[0], None)
    return _text(parts)


def check_target(
    cursor: DuckDBPyConnection, table: str, choice: ProfileChoice, *, replace: bool
) -> layout.Table | None:
    """The table that these profiles may go into, None when it is yet to be made.

    Raises: UsageError for a bad name, TableExistsError when the name has another meaning.
    """
    check_table_name(table)
    found = layout.find_table(cursor, table)
    if found is None:
        if layout.exists(cursor, table):
            raise layout.taken(cursor, table, "is not a table that mp made")
        return None
    if found.kind != KIND:
        raise layout.taken(cursor, table, f"holds {_SPOKEN.get(found.kind, found.kind)}")
    if not replace and _whole(found.where) != filter_of(choice):
        raise layout.taken(
            cursor,
            table,
            f"holds {_described(_whole(found.where))}",
            also="Or start this table over: replace=true (--replace).",
        )
    return found


_SPOKEN = {"events": "events, not profiles", "saved": "the result of a query, not profiles"}


def _described(kept: str | None) -> str:
    return f"only profiles of {kept}" if kept else "unfiltered profiles"
