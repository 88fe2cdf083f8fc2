"""Which days of which table are complete, and from when.

Never guesses: a day is complete only when the load that brought it said so in its transaction.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from mp_mcp.store.schema import utc_now

LATE_DAYS = 5.0
"""Phones send events late; after so many days they hardly do."""


@dataclass(frozen=True)
class Wanted:
    """What a fetch asks for, and which fetches before it are good enough.

    A day is final when it was fetched `late_days` after its end: phones send events late. Days that
    were fetched since `since`, or by this job, are not fetched again, whatever `refresh` says.
    """

    first: date
    last: date
    events: tuple[str, ...] = ()
    refresh: bool = False
    late_days: float = LATE_DAYS
    job_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Summary:
    """The complete days of a table, in order, each with the UTC time of its oldest fetch.

    `fetched_at` is the latest fetch; `events` are the only ones that were fetched, if any are.
    """

    days: Mapping[date, datetime] = field(default_factory=dict)
    fetched_at: datetime | None = None
    events: tuple[str, ...] = ()

    @property
    def gaps(self) -> list[tuple[date, date]]:
        """Runs of days between the first and the last complete one that are not complete."""
        return [
            (before + timedelta(1), after - timedelta(1))
            for before, after in pairwise(self.days)
            if (after - before).days > 1
        ]

    def stale(self, late_days: float) -> list[date]:
        """Days that were fetched before late events could be expected to have arrived."""
        return [day for day, at in self.days.items() if not is_final(day, at, late_days)]


def is_final(day: date, fetched_at: datetime, late_days: float) -> bool:
    """Whether no late event is expected any more that a fetch at this time has not seen."""
    end = datetime.combine(day, time()) + timedelta(days=1)
    return fetched_at >= end + timedelta(days=late_days)


def record_days(
    cursor: DuckDBPyConnection,
    table: str,
    days: tuple[date, date],
    *,
    events: Sequence[str],
    job_id: str,
    fetched_at: datetime | None = None,
) -> None:
    """Say that these days are complete as of `fetched_at`, for these events or for all."""
    first, last = days
    only = "" if not events else " AND event IN (SELECT unnest(?::VARCHAR[]))"
    named: list[object] = [list(events)] if events else []
    cursor.execute(
        "DELETE FROM _mp.coverage WHERE lower(table_name) = lower(?)"
        f" AND day BETWEEN ? AND ?{only}",
        [table, first, last, *named],
    )
    cursor.execute(
        "INSERT INTO _mp.coverage SELECT ?, day::DATE, event, ?, ?"
        " FROM generate_series(?::DATE, ?::DATE, INTERVAL 1 DAY) AS days(day),"
        " (SELECT unnest(?::VARCHAR[]) AS event)",
        [table, fetched_at or utc_now(), job_id, first, last, list(events) or [None]],
    )


def days_to_fetch(cursor: DuckDBPyConnection, table: str, wanted: Wanted) -> list[date]:
    """The days of a range that have to be fetched: gaps, and days that late events may change."""
    covered = days_covered(
        cursor, table, wanted.first, wanted.last, events=wanted.events, job_id=wanted.job_id
    )
    return [day for day in every_day(wanted) if not _is_good(day, covered.get(day), wanted)]


def every_day(wanted: Wanted) -> list[date]:
    """All the days that a fetch asks for."""
    length = (wanted.last - wanted.first).days + 1
    return [wanted.first + timedelta(number) for number in range(length)]


def _is_good(day: date, found: "Covered | None", wanted: Wanted) -> bool:
    if found is None:
        return False
    if found.is_ours or (wanted.since is not None and found.fetched_at >= wanted.since):
        return True
    return not wanted.refresh and is_final(day, found.fetched_at, wanted.late_days)


class Covered(NamedTuple):
    """A complete day: the UTC time of its oldest fetch, and whether all of it is of one job."""

    fetched_at: datetime
    is_ours: bool = False


def days_covered(
    cursor: DuckDBPyConnection,
    table: str,
    first: date,
    last: date,
    *,
    events: Sequence[str] = (),
    job_id: str | None = None,
) -> dict[date, Covered]:
    """The complete days between `first` and `last`.

    With `events` a day counts when it is complete for all of them; without, for every event.
    """
    rows = cursor.execute(
        "SELECT day, event, max(fetched_at), bool_or(starts_with(job_id, ?)) FROM _mp.coverage"
        " WHERE lower(table_name) = lower(?) AND day BETWEEN ? AND ? GROUP BY day, event",
        [job_id or "\0", table, first, last],
    ).fetchall()
    fetched: dict[date, dict[str | None, Covered]] = {}
    for day, event, at, is_ours in rows:
        fetched.setdefault(day, {})[event] = Covered(at, is_ours)
    covered = {}
    for day, by_event in sorted(fetched.items()):
        found = [_latest(by_event, event) for event in (events or (None,))]
        known = [one for one in found if one is not None]
        if len(known) == len(found):
            oldest = min(one.fetched_at for one in known)
            covered[day] = Covered(oldest, all(one.is_ours for one in known))
    return covered


def _latest(by_event: dict[str | None, Covered], event: str | None) -> Covered | None:
    found = [by_event[name] for name in {event, None} if name in by_event]
    return max(found, default=None)


def summary(cursor: DuckDBPyConnection, table: str) -> Summary:
    """The complete days of a table.

    A table that was only ever fetched for some events is complete where all of them are.
    """
    rows = cursor.execute(
        """
        WITH ours AS (SELECT day, event, max(fetched_at) AS fetched_at FROM _mp.coverage
                      WHERE lower(table_name) = lower(?) GROUP BY day, event),
        names AS (SELECT list(DISTINCT event ORDER BY event) AS names,
                         bool_or(event IS NULL) AS has_every FROM ours)
        SELECT day, coalesce(max(fetched_at) FILTER (event IS NULL), min(fetched_at)),
               max(fetched_at), if(any_value(has_every), [], any_value(names))
        FROM ours, names GROUP BY day
        HAVING bool_or(event IS NULL)
            OR (NOT any_value(has_every) AND count(*) = len(any_value(names)))
        ORDER BY day
        """,
        [table],
    ).fetchall()
    if not rows:
        return Summary()
    return Summary(
        {day: oldest for day, oldest, *_ in rows},
        max(latest for _, _, latest, _ in rows),
        tuple(rows[0][3]),
    )
