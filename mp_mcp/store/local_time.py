"""Old projects send the times of their own zone; this shows them as UTC beside, in `time_utc`.

Never changes `time` or `day`: they stay as they were sent, and so do the days of a fetch.
"""

# Names and literals are quoted by exact.py; values of users are parameters.

from collections.abc import Collection

from duckdb import DuckDBPyConnection

from mp_mcp.errors import UsageError
from mp_mcp.store.exact import identifier, literal

COLUMN = "time_utc"


def check_zone(cursor: DuckDBPyConnection, zone: str) -> None:
    """Raises: UsageError when DuckDB does not know a zone of this name."""
    known = cursor.execute("SELECT 1 FROM pg_timezone_names() WHERE name = ?", [zone]).fetchone()
    if known is None:
        raise UsageError(
            f"There is no time zone {zone[:80]!r}.",
            hint='Name it as Mixpanel\'s project settings do, e.g. "Europe/Lisbon".',
        )


def note_zone(cursor: DuckDBPyConnection, table: str, zone: str) -> None:
    """Say in which zone the times of a table are; its view has to be refreshed then."""
    check_zone(cursor, zone)
    cursor.execute("UPDATE _mp.tables SET zone = ? WHERE lower(name) = lower(?)", [zone, table])


def utc_column(cursor: DuckDBPyConnection, table: str, taken: Collection[str]) -> str:
    """The column as a part of a SELECT list, empty while no zone is known.

    `taken` are the case-folded names of the other columns.
    """
    row = cursor.execute(
        "SELECT zone FROM _mp.tables WHERE lower(name) = lower(?)", [table]
    ).fetchone()
    if row is None or row[0] is None:
        return ""
    name, number = COLUMN, 2
    while name in taken:
        name, number = f"{COLUMN}_{number}", number + 1
    return f", time AT TIME ZONE {literal(row[0])} AT TIME ZONE 'UTC' AS {identifier(name)}"
