"""Export files -> a staging table, mostly a temporary one, typed and without duplicates.

Never touches a table that a query can see, and never holds an event in Python on the good path.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path

from duckdb import DuckDBPyConnection, InvalidInputException, IOException

from mp_mcp.errors import StoreError
from mp_mcp.store import exact, layout
from mp_mcp.store.exact import Column, Kind, literal
from mp_mcp.store.plan import Plan, Seen, make_plan, seen_in_rest
from mp_mcp.store.rejects import is_gzip, remove, repair, write_head
from mp_mcp.store.schema import has_schema
from mp_mcp.store.split import split
from mp_mcp.store.usual import usual

_log = logging.getLogger(__name__)
_numbers = count(1)

_LONGEST_LINE = 4 << 20
"""Bytes. DuckDB's buffers are twice as large, one per thread; longer lines take the slow path."""
_SAMPLE = 2000
"""Rows of the first file by which the columns are chosen."""
_MOST_KEYS = 2 * layout.MAX_COLUMNS
_NO_EVENT = "event IS NULL OR time IS NULL"


@dataclass(frozen=True)
class Staged:
    """Rows ready for `swap_events`, which must run on the same cursor.

    `in_rest` are the keys found in the rests; `overflow` means that there are more of them.
    `repaired` lines were no UTF-8 or had half a surrogate: these characters became U+FFFD.
    """

    table: str
    rows_in: str
    days: tuple[date, date] | None
    events: tuple[str, ...]
    columns: list[Column] = field(default_factory=list)
    in_rest: list[Seen] = field(default_factory=list)
    overflow: bool = False
    duplicates: int = 0
    clamped: int = 0
    malformed: int = 0
    repaired: int = 0
    reject_file: Path | None = None

    @property
    def processed(self) -> str:
        """The column of the time at which Mixpanel processed the row."""
        return next(column.name for column in self.columns if column.key == exact.PROCESSED_KEY)


def stage(
    cursor: DuckDBPyConnection, staged: Staged, files: list[Path], rejects: Path | None
) -> Staged:
    """Fill the staging table: by DuckDB alone, or after Python repaired the files."""
    try:
        filled = _fill(cursor, staged, files, _LONGEST_LINE)
        if not _without_event(cursor, filled):
            return _finish(cursor, filled)
    except InvalidInputException:
        _log.info("An export of %s is read line by line", staged.table)
    except IOException as error:
        if "GZIP" not in str(error):
            raise
    fixed = repair(files, complete=staged.days is not None, rejects=rejects)
    try:
        filled = _fill(cursor, staged, fixed.files, max(_LONGEST_LINE, 2 * fixed.longest))
    except InvalidInputException as error:
        raise StoreError(
            "DuckDB cannot read this export.", hint=f"Nothing of it was loaded. {error}"
        ) from error
    finally:
        remove(fixed.files)
    if rejects is not None and not fixed.malformed:
        rejects.unlink(missing_ok=True)  # nothing is in it
    odd = _without_event(cursor, filled)
    if odd:
        cursor.execute(f"DELETE FROM {filled.rows_in} WHERE {_NO_EVENT}")
    return replace(
        _finish(cursor, filled),
        malformed=fixed.malformed + odd,
        repaired=fixed.repaired,
        reject_file=rejects if fixed.malformed else None,
    )


def empty(
    table: str,
    days: tuple[date, date] | None,
    events: Sequence[str],
    *,
    rows_in: str | None = None,
) -> Staged:
    """A staging table that is yet to be made: a temporary one, unless a name is given."""
    return Staged(table, rows_in or f"mp_staged_{next(_numbers)}", days, tuple(events))


def drop(cursor: DuckDBPyConnection, staged: Staged) -> None:
    """Forget the rows."""
    cursor.execute(f"DROP TABLE IF EXISTS {staged.rows_in}")


def _fill(cursor: DuckDBPyConnection, staged: Staged, files: list[Path], longest: int) -> Staged:
    plan = _plan(cursor, staged.table, files, longest)
    fill(cursor, staged.rows_in, _source(files, longest), plan, _day(staged.days))
    return replace(staged, columns=plan.columns)


def fill(
    cursor: DuckDBPyConnection,
    rows_in: str,
    source: str,
    plan: Plan,
    day: str,
    *,
    shown: str = "*",
    event: str = "event",
) -> None:
    """Split what `source` gives (event, properties): the usual objects, then the odd ones.

    `shown` selects from split rows what the staging table has, and `event` turns that back.
    """
    rows = usual(source, plan, day)
    kind = "TABLE" if "." in rows_in else "TEMP TABLE"
    cursor.execute(f"CREATE OR REPLACE {kind} {rows_in} AS SELECT {shown} FROM ({rows})")
    if not _count(cursor, f"SELECT count(odd) FROM {rows_in}"):
        return
    odd = f"SELECT {event} AS event, odd AS properties FROM {rows_in} WHERE odd IS NOT NULL"
    rows = split(odd, plan.columns, day)
    cursor.execute(f"INSERT INTO {rows_in} BY NAME SELECT {shown} FROM ({rows})")
    cursor.execute(f"DELETE FROM {rows_in} WHERE odd IS NOT NULL")


def _plan(cursor: DuckDBPyConnection, table: str, files: list[Path], longest: int) -> Plan:
    if not files:
        return Plan([Column(exact.PROCESSED_KEY, Kind.NUMBER, "c0")])
    head = files[0].with_name(files[0].name + ".head.json")
    try:
        write_head(files, _SAMPLE, head)
        known = layout.properties_of(cursor, table) if has_schema(cursor) else []
        return make_plan(cursor, _source([head], longest), known)
    finally:
        head.unlink(missing_ok=True)


def _source(files: list[Path], longest: int) -> str:
    """A SELECT of (event, properties) from all files."""
    packed = [file for file in files if is_gzip(file)]
    plain = [file for file in files if file not in packed]
    reads = [
        "SELECT event, properties FROM"
        f" read_json([{', '.join(literal(str(file)) for file in some)}],"
        " columns = {event: 'VARCHAR', properties: 'JSON'}, format = 'newline_delimited',"
        f" auto_detect = false, compression = '{how}', maximum_object_size = {longest})"
        for some, how in ((packed, "gzip"), (plain, "none"))
        if some
    ]
    nothing = "SELECT NULL::VARCHAR AS event, NULL::JSON AS properties WHERE false"
    return " UNION ALL ".join(reads) or nothing


def _day(days: tuple[date, date] | None) -> str:
    if days is None:
        return "time::DATE"
    return f"least(greatest(time::DATE, DATE '{days[0]}'), DATE '{days[1]}')"


def _without_event(cursor: DuckDBPyConnection, staged: Staged) -> int:
    """Rows that are no events: no name, no object, no time."""
    return _count(cursor, f"SELECT count(*) FROM {staged.rows_in} WHERE {_NO_EVENT}")


def _finish(cursor: DuckDBPyConnection, staged: Staged) -> Staged:
    duplicates = _drop_duplicates(cursor, staged)
    in_rest = seen_in_rest(cursor, staged.rows_in, staged.columns, _MOST_KEYS)
    clamped = 0
    if staged.days is not None:
        clamped = _count(
            cursor,
            f"SELECT count(*) FROM {staged.rows_in} WHERE time::DATE <> day",
        )
    return replace(
        staged,
        duplicates=duplicates,
        clamped=clamped,
        in_rest=in_rest,
        overflow=len(in_rest) >= _MOST_KEYS - len(exact.FIXED_KEYS),
    )


def _drop_duplicates(cursor: DuckDBPyConnection, staged: Staged) -> int:
    """Keep the row processed last of each event; rows without $insert_id are all different."""
    rows_in = staged.rows_in
    key = "event, distinct_id, time, insert_id"
    # Hashes first: sorting is only for the few rows that may be double.
    twice = (
        f"SELECT hash(insert_id) FROM {rows_in} WHERE insert_id IS NOT NULL"
        " GROUP BY ALL HAVING count(*) > 1"
    )
    ranked = (
        f"SELECT rowid AS row, row_number() OVER (PARTITION BY {key}"
        f" ORDER BY {staged.processed} DESC NULLS LAST, rowid DESC) AS rank FROM {rows_in}"
        f" WHERE insert_id IS NOT NULL AND hash(insert_id) IN ({twice})"
    )
    return _count(
        cursor,
        f"DELETE FROM {rows_in} WHERE rowid IN (SELECT row FROM ({ranked}) WHERE rank > 1)",
    )


def _count(cursor: DuckDBPyConnection, sql: str) -> int:
    return int(cursor.execute(sql).fetchall()[0][0])
