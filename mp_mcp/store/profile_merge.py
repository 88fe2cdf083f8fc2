"""Staged profiles meet those in the table: what is new, changed, gone or as it was.

Never commits: rows, filter and the load's id are a part of the caller's transaction. A profile that
says the same as before keeps its row, however its properties were laid out.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from mp_mcp.store import exact, layout
from mp_mcp.store.exact import Column
from mp_mcp.store.models import ProfileChoice, ProfilesReport
from mp_mcp.store.profile_stage import FIXED_COLUMNS, count_of
from mp_mcp.store.profile_table import KIND, check_target, filter_of
from mp_mcp.store.reconcile import Meeting, insert_select, reconcile
from mp_mcp.store.schema import utc_now
from mp_mcp.store.stage import Staged, drop


def merge_profiles(
    cursor: DuckDBPyConnection,
    staged: Staged,
    choice: ProfileChoice,
    *,
    replace: bool,
    job_id: str,
) -> ProfilesReport:
    """Make the table say what was staged, inside the caller's transaction.

    Profiles that were asked for and are not staged are gone; `replace` starts over. A job id that
    a committed merge has used changes nothing and returns that merge's report.
    Raises: TableExistsError.
    """
    recorded = _recorded(cursor, job_id)
    if recorded is not None:
        drop(cursor, staged)
        return recorded
    table, is_new = _target(cursor, staged.table, choice, replace=replace)
    meeting = reconcile(cursor, table, staged.columns, staged.in_rest, overflow=staged.overflow)
    report = _merge(cursor, table, staged, meeting, choice.distinct_ids)
    if meeting.changed or is_new:
        layout.save_properties(cursor, table.name, meeting.properties, unlisted=meeting.unlisted)
        layout.refresh_view(cursor, table.name, meeting.properties, KIND)
    cursor.execute(
        "INSERT INTO _mp.loads VALUES (?, ?, ?, ?)",
        [job_id, table.name, utc_now(), report.model_dump_json()],
    )
    drop(cursor, staged)
    return report


def _target(
    cursor: DuckDBPyConnection, name: str, choice: ProfileChoice, *, replace: bool
) -> tuple[layout.Table, bool]:
    """The table, and whether it was made just now."""
    found = check_target(cursor, name, choice, replace=replace)
    if found is not None and replace:
        layout.drop_table(cursor, found.name)
        found = None
    partial = bool(choice.distinct_ids)
    if found is None:
        kept = filter_of(choice, partial=partial)
        return layout.create_table(cursor, name, kept, KIND), True
    if not partial:
        # From now on the table holds all that its filter means.
        cursor.execute(
            "UPDATE _mp.tables SET where_filter = ? WHERE name = ?", [filter_of(choice), found.name]
        )
    return found, False


def _recorded(cursor: DuckDBPyConnection, job_id: str) -> ProfilesReport | None:
    row = cursor.execute("SELECT report FROM _mp.loads WHERE job_id = ?", [job_id]).fetchone()
    return ProfilesReport.model_validate_json(row[0]) if row else None


def _merge(
    cursor: DuckDBPyConnection,
    table: layout.Table,
    staged: Staged,
    meeting: Meeting,
    asked: Sequence[str],
) -> ProfilesReport:
    stored = layout.stored_name(table.name)
    _meet(cursor, stored, staged, meeting)
    met = count_of(cursor, "SELECT count(*) FROM mp_met")
    unchanged = count_of(cursor, "SELECT count(*) FROM mp_met WHERE same")
    only = " AND list_contains(?::VARCHAR[], event)" if asked else ""
    gone = count_of(
        cursor,
        f"DELETE FROM {stored} WHERE rowid NOT IN (SELECT old FROM mp_met){only}",
        [list(asked)] if asked else [],
    )
    cursor.execute(f"DELETE FROM {stored} WHERE rowid IN (SELECT old FROM mp_met WHERE NOT same)")
    cursor.execute(
        f"DELETE FROM {staged.rows_in} WHERE rowid IN (SELECT fresh FROM mp_met WHERE same)"
    )
    cursor.execute("DROP TABLE mp_met")
    arrived = count_of(cursor, insert_select(stored, staged.rows_in, meeting))
    changed = met - unchanged
    return ProfilesReport(
        rows=count_of(cursor, f"SELECT count(*) FROM {stored}"),
        new=arrived - changed,
        changed=changed,
        gone=gone,
        unchanged=unchanged,
        duplicates=staged.duplicates,
        new_columns=meeting.new_keys,
        partial=bool(asked),
    )


def _meet(cursor: DuckDBPyConnection, stored: str, staged: Staged, meeting: Meeting) -> None:
    """The table `mp_met`: profiles that are staged and stored, and whether they say the same."""
    alike = " AND ".join(_alike(meeting))
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE mp_met AS SELECT fresh.rowid AS fresh, old.rowid AS old,"
        f" {alike} AS same, {_unlike(meeting)} AS other"
        f" FROM {staged.rows_in} AS fresh JOIN {stored} AS old USING (event)"
    )
    odd = "SELECT {} FROM mp_met WHERE NOT same AND NOT other"
    fresh = _pieces(staged.rows_in, staged.columns, odd.format("fresh"))
    columns = layout.stored_columns(meeting.properties)
    old = _pieces(stored, columns, odd.format("old"))
    # The same may be stored in another way: in a column here, in the rest there.
    cursor.execute(
        "UPDATE mp_met SET same = true WHERE NOT same AND fresh IN (SELECT met.fresh"
        f" FROM mp_met AS met JOIN ({fresh}) AS one ON one.row = met.fresh"
        f" JOIN ({old}) AS other ON other.row = met.old WHERE one.pieces = other.pieces)"
    )


def _alike(meeting: Meeting) -> list[str]:
    """Conditions under which a staged row is stored in the same way; then it says the same."""
    moved = set(meeting.moves)
    beside = [
        one.name for one in layout.stored_columns(meeting.properties) if one.name not in moved
    ]
    return [
        "fresh.rest::VARCHAR = old.rest::VARCHAR",
        *(f"fresh.{name} IS NOT DISTINCT FROM old.{name}" for name in FIXED_COLUMNS.values()),
        "fresh.kept = old.kept",
        *(
            f"fresh.{new} IS NOT DISTINCT FROM old.{existing}"
            for existing, new in meeting.moves.items()
        ),
        *(f"fresh.{column.name} IS NULL" for column in meeting.folded),
        *(f"old.{name} IS NULL" for name in beside),
    ]


def _unlike(meeting: Meeting) -> str:
    """Whether a column says one thing here and another there; no need to look at the rest."""
    pairs = meeting.moves.items()
    return (
        " OR ".join(f"coalesce(fresh.{new} <> old.{existing}, false)" for existing, new in pairs)
        or "false"
    )


def _pieces(table: str, columns: Sequence[Column], rows: str) -> str:
    """A SELECT of each row's properties, sorted by name; 5 and 5.0 are one number.

    Rows that are kept whole may have a name twice: they are the same only as they are.
    """
    at = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"
    value = f"regexp_replace(json_extract(whole, {at})::VARCHAR, '^(-?[0-9]+)[.]0$', '\\1')"
    return (
        f"SELECT row, list_sort(list_transform(json_keys(whole), lambda key: {{'key': key,"
        f" 'value': {value}}})) AS pieces FROM (SELECT rowid AS row,"
        f" {exact.rebuilt(columns)} AS whole FROM {table}"
        f" WHERE kept < {exact.KEPT_WHOLE} AND rowid IN ({rows}))"
    )
