"""How staged columns meet the columns that a table has by the time of the swap.

Never drops a value: what fits no column goes back into the rest. Between staging and swap other
loads may have changed the table, so nothing here trusts what the plan saw.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from mp_mcp.store import exact, layout
from mp_mcp.store.exact import Column
from mp_mcp.store.plan import Seen


@dataclass(frozen=True)
class Meeting:
    """Where every staged column goes, and what the table's properties are from then on."""

    properties: list[layout.Property]
    moves: dict[str, str]
    folded: list[Column]
    new_keys: list[str]
    unlisted: bool
    changed: bool


def reconcile(
    cursor: DuckDBPyConnection,
    table: layout.Table,
    columns: Sequence[Column],
    in_rest: Sequence[Seen],
    *,
    overflow: bool,
) -> Meeting:
    """Add the columns that the table lacks, and say where each staged column goes.

    `moves` is stored column to staged column. `overflow` means that `in_rest` is not complete.
    """
    before = {prop.key: prop for prop in layout.properties_of(cursor, table.name)}
    after = dict(before)
    moves: dict[str, str] = {}
    folded = []
    for column in columns:
        prop = _home(cursor, table, column, after)
        if prop is None:
            folded.append(column)
        else:
            after[column.key] = prop
            moves[str(prop.column_name)] = column.name
    left_out = _note_rest(after, columns, folded, in_rest, table.kind, overflow=overflow)
    unlisted = left_out or table.unlisted
    return Meeting(
        properties=list(after.values()),
        moves=moves,
        folded=folded,
        new_keys=[key for key in after if key not in before],
        unlisted=unlisted,
        changed=after != before or unlisted != table.unlisted,
    )


def _note_rest(
    properties: dict[str, layout.Property],
    columns: Sequence[Column],
    folded: Sequence[Column],
    in_rest: Sequence[Seen],
    table_kind: str,
    *,
    overflow: bool,
) -> bool:
    """Note which properties have values in the rest; True when some get no column."""
    back = {column.key for column in folded}
    moved = {column.key for column in columns} - back
    for key in back & properties.keys():
        properties[key] = replace(properties[key], odd=True)
    if overflow:
        # Of keys that were not counted nothing is sure.
        counted = {seen.key for seen in in_rest}
        for key in properties.keys() - moved:
            odd = properties[key].odd or key not in counted
            properties[key] = replace(properties[key], in_rest=True, odd=odd)
    left_out = [_note(seen, properties, moved, table_kind) for seen in in_rest]
    return overflow or any(left_out) or not back <= properties.keys()


def _home(
    cursor: DuckDBPyConnection,
    table: layout.Table,
    column: Column,
    properties: dict[str, layout.Property],
) -> layout.Property | None:
    """The property whose stored column takes this staged column, None when there is none."""
    prop = properties.get(column.key)
    if prop is None:
        if len(properties) >= layout.MAX_COLUMNS and column.key != exact.PROCESSED_KEY:
            return None
        prop = layout.with_view_name(column.key, column.kind, properties.values(), table.kind)
        # A key that no column was left for may be in the rest of older rows.
        prop = replace(prop, in_rest=table.unlisted)
    elif prop.kind != column.kind:
        return None
    elif prop.column_name is None:
        prop = replace(prop, in_rest=True)
    if prop.column_name is None:
        prop = layout.promote(cursor, table.name, prop, list(properties.values()))
    return prop


def _note(
    seen: Seen, properties: dict[str, layout.Property], moved: set[str], table_kind: str
) -> bool:
    """Note a key of the rest; True when no column is left for it."""
    prop = properties.get(seen.key)
    if prop is None:
        if not layout.listable(seen.key):
            return False
        if len(properties) >= layout.MAX_COLUMNS:
            return True
        prop = layout.with_view_name(seen.key, seen.kind, properties.values(), table_kind)
    fitting = seen.fitting(prop.kind)
    properties[seen.key] = replace(
        prop,
        in_rest=prop.in_rest or (seen.key not in moved and fitting > 0),
        odd=prop.odd or seen.values > fitting,
    )
    return False


def insert_select(stored: str, staged: str, meeting: Meeting) -> str:
    """The INSERT that copies the staged rows into the stored table."""
    rest = exact.appended("rest", meeting.folded) if meeting.folded else "rest"
    fixed = "event, time, distinct_id, insert_id, day, kept"
    into = "".join(f", {name}" for name in meeting.moves)
    values = "".join(f", {name}" for name in meeting.moves.values())
    return (
        f"INSERT INTO {stored} ({fixed}, rest{into}) SELECT {fixed}, {rest}{values} FROM {staged}"
    )
