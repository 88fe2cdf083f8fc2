"""Spooled profiles -> a temporary table of one cursor, typed and one row per profile.

Never touches a table that a query can see. A line is {"event": distinct id, "nth": place in the
crawl, "properties": object}: a profile is split like an event whose name is its id.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from duckdb import DuckDBPyConnection, InvalidInputException

from mp_mcp.errors import StoreError
from mp_mcp.store import exact, layout
from mp_mcp.store.exact import literal
from mp_mcp.store.plan import Plan, Seen, make_plan, seen_in_rest
from mp_mcp.store.rejects import remove, without_halves, write_head
from mp_mcp.store.stage import Staged, drop, empty, fill
from mp_mcp.store.table_name import check_table_name

_LONGEST_LINE = 4 << 20
_SAMPLE = 2000
"""Profiles by which the columns are chosen."""
_MOST_KEYS = 2 * layout.MAX_COLUMNS

FIXED_COLUMNS = dict(zip(exact.FIXED_KEYS, ("time", "distinct_id", "insert_id"), strict=True))
"""Where a profile's own properties of these names are."""


def stage_profiles(
    cursor: DuckDBPyConnection, table: str, files: Sequence[Path], *, afresh: bool = False
) -> Staged:
    """Read spooled profiles into a temporary table; needs no turn in the write queue.

    `afresh` means that the table's columns so far are of no consequence.
    Raises: UsageError, StoreError.
    """
    check_table_name(table)
    staged = empty(table, None, ())
    known = [] if afresh or not layout.find_table(cursor, table) else _known(cursor, table)
    try:
        filled = _fill(cursor, staged, list(files), known)
        duplicates = _drop_older(cursor, filled.rows_in)
        in_rest = seen_in_rest(cursor, filled.rows_in, filled.columns, _MOST_KEYS)
        return replace(
            filled,
            duplicates=duplicates,
            in_rest=[*_fixed_keys(cursor, filled.rows_in), *in_rest],
            overflow=len(in_rest) >= _MOST_KEYS - len(exact.FIXED_KEYS),
        )
    except BaseException:
        drop(cursor, staged)
        raise


def _known(cursor: DuckDBPyConnection, table: str) -> list[layout.Property]:
    fixed = exact.FIXED_KEYS
    return [prop for prop in layout.properties_of(cursor, table) if prop.key not in fixed]


def _fill(
    cursor: DuckDBPyConnection,
    staged: Staged,
    files: list[Path],
    known: Sequence[layout.Property],
) -> Staged:
    try:
        return _read(cursor, staged, files, known, _LONGEST_LINE)
    except InvalidInputException:
        # Half characters, or a profile of megabytes: only Python takes those.
        copies, longest = _clean_copies(files)
        try:
            return _read(cursor, staged, copies, known, max(_LONGEST_LINE, 2 * longest))
        except InvalidInputException as error:
            raise StoreError(
                "DuckDB cannot read these profiles.", hint=f"Nothing was changed. {error}"
            ) from error
        finally:
            remove(copies)


def _read(
    cursor: DuckDBPyConnection,
    staged: Staged,
    files: list[Path],
    known: Sequence[layout.Property],
    longest: int,
) -> Staged:
    plan = _plan(cursor, files, known, longest)
    fill(
        cursor,
        staged.rows_in,
        _source(files, longest),
        plan,
        "NULL::DATE",
        shown="struct_extract(event, 'id') AS event, struct_extract(event, 'nth') AS nth,"
        " * EXCLUDE (event)",
        event="{'id': event, 'nth': nth}",
    )
    return replace(staged, columns=plan.columns)


def _plan(
    cursor: DuckDBPyConnection, files: list[Path], known: Sequence[layout.Property], longest: int
) -> Plan:
    if not files:
        return Plan([])
    head = files[0].with_name(files[0].name + ".head.json")
    try:
        write_head(files, _SAMPLE, head)
        plan = make_plan(cursor, _source([head], longest), known)
    finally:
        head.unlink(missing_ok=True)
    # Every event has this column; to a profile it is a property like any other.
    columns = [column for column in plan.columns if column.key != exact.PROCESSED_KEY]
    return replace(plan, columns=columns)


def _source(files: list[Path], longest: int) -> str:
    """A SELECT of (event, properties): what splits events lets the id and place pass together."""
    if not files:
        return "SELECT {'id': '', 'nth': 0::BIGINT} AS event, '{}'::JSON AS properties WHERE false"
    return (
        "SELECT {'id': event, 'nth': nth} AS event, properties FROM"
        f" read_json([{', '.join(literal(str(file)) for file in files)}],"
        " columns = {event: 'VARCHAR', nth: 'BIGINT', properties: 'JSON'},"
        " format = 'newline_delimited', auto_detect = false,"
        f" maximum_object_size = {longest})"
    )


def _clean_copies(files: list[Path]) -> tuple[list[Path], int]:
    """Copies without half characters, and the length of the longest line."""
    copies = []
    longest = 0
    for file in files:
        copies.append(file.with_name(file.name + ".clean.json"))
        # Only LF ends a line: JSON strings may hold the other separators of text.
        with (
            gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines,
            copies[-1].open("w", encoding="utf-8", newline="\n") as out,
        ):
            for line in lines:
                longest = max(longest, 4 * len(line))
                out.write(without_halves(line))
    return copies, longest


def _drop_older(cursor: DuckDBPyConnection, rows_in: str) -> int:
    """Keep the last answer about each profile: one that moved meanwhile is on two pages."""
    twice = f"SELECT event FROM {rows_in} GROUP BY event HAVING count(*) > 1"
    ranked = (
        "SELECT rowid AS row, row_number() OVER (PARTITION BY event ORDER BY nth DESC) AS rank"
        f" FROM {rows_in} WHERE event IN ({twice})"
    )
    return count_of(
        cursor,
        f"DELETE FROM {rows_in} WHERE rowid IN (SELECT row FROM ({ranked}) WHERE rank > 1)",
    )


def _fixed_keys(cursor: DuckDBPyConnection, rows_in: str) -> list[Seen]:
    """Properties that share their name with a fixed column of events; they are shown as text."""
    there = ", ".join(
        f"count(*) FILTER (WHERE {column} IS NOT NULL OR json_exists(rest, {exact.pointer(key)}))"
        for key, column in FIXED_COLUMNS.items()
    )
    (found,) = cursor.execute(f"SELECT {there} FROM {rows_in}").fetchall()
    return [Seen(key, n, 0, 0, 0) for key, n in zip(FIXED_COLUMNS, found, strict=True) if n]


def count_of(cursor: DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> int:
    """The only value of a query, or the number of rows that a statement changed."""
    return int(cursor.execute(sql, list(values)).fetchall()[0][0])
