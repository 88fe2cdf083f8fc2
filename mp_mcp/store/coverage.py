"""Which days of which table are complete, and from when.

Never guesses: a day is complete only when the load that brought it said so in its transaction.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from duckdb import DuckDBPyConnection

from mp_mcp.store.schema import utc_now


@dataclass(frozen=True)
class Summary:
    """The complete days of a table, as `TableInfo` shows them."""

    first_day: date | None = None
    last_day: date | None = None
    days: int = 0
    missing_days: int = 0


def record_days(
    cursor: DuckDBPyConnection,
    table: str,
    days: tuple[date, date],
    *,
    events: Sequence[str],
    job_id: str,
) -> None:
    """Say that these days are complete, for these events or for all of them."""
    first, last = days
    only = "" if not events else " AND event IN (SELECT unnest(?::VARCHAR[]))"
    named: list[object] = [list(events)] if events else []
    cursor.execute(
        f"DELETE FROM _mp.coverage WHERE table_name = ? AND day BETWEEN ? AND ?{only}",
        [table, first, last, *named],
    )
    cursor.execute(
        "INSERT INTO _mp.coverage SELECT ?, day::DATE, event, ?, ?"
        " FROM generate_series(?::DATE, ?::DATE, INTERVAL 1 DAY) AS days(day),"
        " (SELECT unnest(?::VARCHAR[]) AS event)",
        [table, utc_now(), job_id, first, last, list(events) or [None]],
    )


def days_covered(
    cursor: DuckDBPyConnection,
    table: str,
    first: date,
    last: date,
    *,
    events: Sequence[str] = (),
) -> dict[date, datetime]:
    """The complete days between `first` and `last`, each with the UTC time of its oldest fetch.

    With `events` a day counts when it is complete for all of them; without, for every event.
    """
    rows = cursor.execute(
        "SELECT day, event, max(fetched_at) FROM _mp.coverage"
        " WHERE lower(table_name) = lower(?) AND day BETWEEN ? AND ? GROUP BY day, event",
        [table, first, last],
    ).fetchall()
    fetched: dict[date, dict[str | None, datetime]] = {}
    for day, event, at in rows:
        fetched.setdefault(day, {})[event] = at
    covered = {}
    for day, by_event in sorted(fetched.items()):
        times = [_fetched_at(by_event, event) for event in (events or (None,))]
        known = [at for at in times if at is not None]
        if len(known) == len(times):
            covered[day] = min(known)
    return covered


def _fetched_at(by_event: dict[str | None, datetime], event: str | None) -> datetime | None:
    times = [by_event[name] for name in {event, None} if name in by_event]
    return max(times, default=None)


def summary(cursor: DuckDBPyConnection, table: str) -> Summary:
    """The complete days of a table.

    A table that was only ever fetched for some events is complete where all of them are.
    """
    row = cursor.execute(
        """
        WITH ours AS (SELECT DISTINCT day, event FROM _mp.coverage
                      WHERE lower(table_name) = lower(?)),
        complete AS (
            SELECT day FROM ours GROUP BY day
            HAVING bool_or(event IS NULL)
                OR (NOT (SELECT bool_or(event IS NULL) FROM ours)
                    AND count(*) = (SELECT count(DISTINCT event) FROM ours))
        )
        SELECT min(day), max(day), count(*), date_diff('day', min(day), max(day)) + 1 - count(*)
        FROM complete
        """,
        [table],
    ).fetchone()
    if row is None or row[0] is None:
        return Summary()
    return Summary(*row)
