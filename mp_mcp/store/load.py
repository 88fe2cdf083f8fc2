"""Export files into an event table: staged on any cursor, swapped in by the writer.

Never commits: the swap is a part of the caller's transaction, so that rows, coverage and the job's
id become visible together or not at all.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from mp_mcp.errors import UsageError
from mp_mcp.store import coverage, exact, layout
from mp_mcp.store.models import LoadReport
from mp_mcp.store.reconcile import Meeting, insert_select, reconcile
from mp_mcp.store.schema import has_schema, utc_now
from mp_mcp.store.stage import Staged, drop, empty, stage
from mp_mcp.store.table_name import check_table_name

__all__ = ["Staged", "stage_events", "swap_events"]


def stage_events(
    cursor: DuckDBPyConnection,
    table: str,
    files: Sequence[Path],
    *,
    days: tuple[date, date] | None,
    events: Sequence[str] = (),
    rejects: Path | None = None,
    place: str | None = None,
) -> Staged:
    """Read export files into a temporary table of this cursor; needs no turn in the write queue.

    `place` names a stored table instead; a file without our bookkeeping has none.
    With `days` the files claim to be the whole export of these days. Lines that are no events are
    kept in the file `rejects`.
    Raises: UsageError, IncompleteExportError, StoreError.
    """
    check_table_name(table)
    staged = empty(table, days, events, rows_in=place if has_schema(cursor) else None)
    try:
        found = stage(cursor, staged, list(files), rejects)
        if days is None and found.malformed:
            _require_events(cursor, found)
    except BaseException:
        drop(cursor, staged)
        if rejects is not None:
            rejects.unlink(missing_ok=True)
        raise
    return found


def _require_events(cursor: DuckDBPyConnection, staged: Staged) -> None:
    """Files that nobody exported may be anything. Raises: UsageError when no line is an event."""
    if not _count(cursor, f"SELECT count(*) FROM {staged.rows_in}"):
        raise UsageError(
            f"None of the {staged.malformed:,} lines is a Mixpanel event; nothing was loaded.",
            hint='A line is like {"event": "Login", "properties": {"time": 1735732800}}; '
            "jq -c '.[]' turns a JSON array into such lines.",
        )


def swap_events(
    cursor: DuckDBPyConnection,
    staged: Staged,
    *,
    where: str | None,
    job_id: str,
    fetched_at: datetime | None = None,
    anew_for: str | None = None,
) -> LoadReport:
    """Put the staged rows into the table, inside the caller's transaction; use a job id only once.

    With days they replace those days (of those events), else they are added. A job id that a
    committed swap has used changes nothing and returns that swap's report. `anew_for` is the common
    beginning of job ids: the first swap among them drops what the table was before.
    Raises: TableExistsError.
    """
    recorded = find_report(cursor, job_id)
    if recorded is not None:
        drop(cursor, staged)
        return recorded
    if anew_for is not None:
        _make_anew(cursor, staged.table, anew_for)
    report = _swap(cursor, staged, where)
    _record(cursor, staged, job_id, fetched_at, report)
    drop(cursor, staged)
    return report


def _swap(cursor: DuckDBPyConnection, staged: Staged, where: str | None) -> LoadReport:
    found = layout.check_target(cursor, staged.table, where)
    table = found or layout.create_table(cursor, staged.table, where)
    meeting = reconcile(cursor, table, staged.columns, staged.in_rest, overflow=staged.overflow)
    replaced = _clear_days(cursor, table, staged)
    newer, known = _meet_twins(cursor, table, staged, meeting)
    rows = _count(cursor, insert_select(layout.stored_name(table.name), staged.rows_in, meeting))
    if meeting.changed or found is None:
        layout.save_properties(cursor, table.name, meeting.properties, unlisted=meeting.unlisted)
        layout.refresh_view(cursor, table.name, meeting.properties)
    return LoadReport(
        rows=rows,
        replaced=replaced + newer,
        duplicates=staged.duplicates + known,
        malformed=staged.malformed,
        clamped=staged.clamped,
        repaired=staged.repaired,
        new_columns=meeting.new_keys,
        reject_file=str(staged.reject_file) if staged.reject_file else None,
    )


def _record(
    cursor: DuckDBPyConnection,
    staged: Staged,
    job_id: str,
    fetched_at: datetime | None,
    report: LoadReport,
) -> None:
    """Note what was done, together with the rows that it was done to."""
    if staged.days is not None:
        coverage.record_days(
            cursor,
            staged.table,
            staged.days,
            events=staged.events,
            job_id=job_id,
            fetched_at=fetched_at,
        )
    cursor.execute(
        "INSERT INTO _mp.loads VALUES (?, ?, ?, ?)",
        [job_id, staged.table, utc_now(), report.model_dump_json()],
    )


def find_report(cursor: DuckDBPyConnection, job_id: str) -> LoadReport | None:
    """What the committed swap with this job id did."""
    row = cursor.execute("SELECT report FROM _mp.loads WHERE job_id = ?", [job_id]).fetchone()
    return LoadReport.model_validate_json(row[0]) if row else None


def _make_anew(cursor: DuckDBPyConnection, table: str, job_ids: str) -> None:
    """Drop what the table was, unless a load of the same job did that before.

    That is noted apart from the table: another job may make it anew meanwhile, and the two must not
    go on dropping what the other has brought.
    """
    note = f"{job_ids} made {table.lower()} anew"
    if cursor.execute("SELECT 1 FROM _mp.loads WHERE job_id = ?", [note]).fetchone():
        return
    layout.check_kind(cursor, table)
    layout.drop_table(cursor, table)
    cursor.execute("INSERT INTO _mp.loads VALUES (?, NULL, ?, NULL)", [note, utc_now()])


def _clear_days(cursor: DuckDBPyConnection, table: layout.Table, staged: Staged) -> int:
    """Delete the rows that the staged ones replace."""
    if staged.days is None:
        return 0
    only = " AND list_contains(?::VARCHAR[], event)" if staged.events else ""
    named: list[object] = [list(staged.events)] if staged.events else []
    return _count(
        cursor,
        f"DELETE FROM {layout.stored_name(table.name)} WHERE day BETWEEN ? AND ?{only}",
        [*staged.days, *named],
    )


def _meet_twins(
    cursor: DuckDBPyConnection, table: layout.Table, staged: Staged, meeting: Meeting
) -> tuple[int, int]:
    """Keep one of each event that is staged and stored: the one processed last, else the stored.

    Only for rows whose days were not cleared. Returns how many went from the table and from the
    staging.
    """
    if staged.days is not None and not staged.events:
        return 0, 0
    other = "NOT list_contains(?::VARCHAR[], fresh.event)" if staged.events else "true"
    named: list[object] = [list(staged.events)] if staged.events else []
    stored = layout.stored_name(table.name)
    processed = next(
        prop.column_name for prop in meeting.properties if prop.key == exact.PROCESSED_KEY
    )
    # The equal times limit the scan of the table to the days of the staged rows.
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE mp_twins AS SELECT fresh.rowid AS fresh, old.rowid AS old,"
        f" fresh.{staged.processed} > coalesce(old.{processed}, '-inf'::DOUBLE) IS TRUE AS newer"
        f" FROM {staged.rows_in} AS fresh JOIN {stored} AS old ON fresh.time = old.time"
        " AND fresh.event = old.event AND fresh.insert_id = old.insert_id"
        f" AND fresh.distinct_id IS NOT DISTINCT FROM old.distinct_id WHERE {other}",
        named,
    )
    replaced = _count(
        cursor,
        f"DELETE FROM {stored} WHERE rowid IN (SELECT old FROM mp_twins WHERE newer)",
    )
    known = _count(
        cursor,
        f"DELETE FROM {staged.rows_in} WHERE rowid IN (SELECT fresh FROM mp_twins WHERE NOT newer)",
    )
    cursor.execute("DROP TABLE mp_twins")
    return replaced, known


def _count(cursor: DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> int:
    return int(cursor.execute(sql, list(values)).fetchall()[0][0])
