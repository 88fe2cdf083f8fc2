"""What a query's answer may lack: days that are missing or stale in the tables that it reads.

Never changes an answer: it writes the hint beside it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from mp_mcp.store import coverage
from mp_mcp.store.catalog import Names, spelled_range
from mp_mcp.store.coverage import Summary
from mp_mcp.store.guarded import Judged
from mp_mcp.store.touched import Touched, hull

SHOWN = 3
"""Runs of missing days that a hint names."""

WORTH_IT = timedelta(hours=1)
"""Days that were fetched a moment ago are as good as they can be."""


class CoverageCache:
    """The coverage of every table, read again only after something was written."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Summary]] = {}

    def get(self, cursor: duckdb.DuckDBPyConnection, generation: int, table: str) -> Summary:
        """The coverage at `generation`, which was read before the cursor's transaction began."""
        kept = self._kept.get(table)
        if kept is None or kept[0] != generation:
            kept = self._kept[table] = (generation, coverage.summary(cursor, table))
        return kept[1]


def hint_for(
    cursor: duckdb.DuckDBPyConnection,
    judged: Judged,
    values: Mapping[str, Any],
    covers: CoverageCache,
    late_days: float,
) -> str | None:
    """What the answer of a query may lack, and how to get it; None when it lacks nothing.

    `values` are those of the query's parameters.
    """
    hints = [
        hint_of(
            table,
            covers.get(cursor, judged.generation, table),
            _touched(table, judged, values),
            late_days,
        )
        for table in _read_tables(judged.checked.tables, judged.names)
    ]
    return " ".join(filter(None, hints)) or None


def _touched(table: str, judged: Judged, values: Mapping[str, Any]) -> Touched:
    key = ("main", table)
    uses = [use for use in judged.checked.uses if judged.names.key(use.table) == key]
    return hull(use.touched(values) for use in uses)


def _read_tables(paths: Iterable[tuple[str, ...]], names: Names) -> list[str]:
    """The tables of ours among those that a query reads."""
    if ("_mp", "coverage") not in names.tables:
        return []
    keys = {names.key(path) for path in paths}
    return sorted(name for schema, name in filter(None, keys) if schema == "main")


def hint_of(table: str, found: Summary, touched: Touched, late_days: float) -> str | None:
    """The same for one table."""
    if not found.days:
        return None
    now = datetime.now(UTC).replace(tzinfo=None)
    first = touched.first or min(found.days)
    last = min(touched.last or max(found.days), now.date())
    told = []
    if found.events:
        told.append(f"{table} holds only the events {', '.join(found.events[:5])}.")
    missing = list(_missing(found, first, last))
    if missing:
        shown = ", ".join(spelled_range(*run) for run in missing[:SHOWN])
        more = f" and {len(missing) - SHOWN} more gaps" if len(missing) > SHOWN else ""
        told.append(f"{table} lacks the days {shown}{more}: fetch_events gets them.")
    stale = [
        day
        for day in found.stale(late_days)
        if first <= day <= last and now - found.days[day] > WORTH_IT
    ]
    if stale:
        told.append(
            f"{len(stale)} days of {table} up to {max(stale)} were fetched before late events had "
            "arrived: fetch_events refreshes them."
        )
    return " ".join(told) or None


def _missing(found: Summary, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Runs of days within these that are not complete."""
    one = timedelta(1)
    earliest, latest = min(found.days), max(found.days)
    runs = [(first, earliest - one), *found.gaps, (latest + one, last)]
    for start, end in runs:
        if max(start, first) <= min(end, last):
            yield max(start, first), min(end, last)
