"""Counts over time: buckets, what is in them, and the envelope in which they are answered.

Never decides which rows are counted.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import Row, current_day, midnight
from mp_mcp.demo.periods import MOST_DAYS, bucket_key, key_of, starts_between
from mp_mcp.demo.wire import Call

COUNT_TYPES = ("general", "unique", "average")
UNITS = ("minute", "hour", "day", "week", "month")
MOST_INTERVALS = 10_000
LAST_MINUTE = timedelta(hours=23, minutes=59)


@dataclass(frozen=True)
class Buckets:
    """The buckets of a range of days."""

    first: date
    last: date
    keys: tuple[str, ...]
    """Oldest first."""
    key: Callable[[datetime], str]
    """The bucket of a moment."""


def unit_buckets(first: date, last: date, unit: str) -> Buckets:
    """Buckets of the calendar."""
    starts = starts_between(midnight(first), midnight(last) + LAST_MINUTE, unit)
    keys = tuple(key_of(start, unit) for start in starts)
    return Buckets(first, last, keys, lambda moment: bucket_key(moment, unit))


def interval_buckets(first: date, last: date, size: int) -> Buckets:
    """Buckets of some days each, from the first day on."""
    keys = tuple(str(first + timedelta(days=n)) for n in range(0, (last - first).days + 1, size))
    return Buckets(first, last, keys, lambda moment: keys[(moment.date() - first).days // size])


def asked_buckets(call: Call, units: tuple[str, ...] = UNITS) -> Buckets:
    """What a range of dates with either `unit` or `interval`, in days, means."""
    first, last = call.days()
    if call.params.get("interval") not in (None, ""):
        return interval_buckets(first, last, call.integer("interval", 1))
    return unit_buckets(first, last, call.choice("unit", units, "day"))


def asked_or_latest_buckets(call: Call) -> Buckets:
    """What a range of dates means; without one, `interval` is a number of units up to now."""
    unit = call.choice("unit", UNITS)
    if "from_date" in call.params or "interval" not in call.params:
        return unit_buckets(*call.days(), unit)
    count = call.integer("interval", 1, high=MOST_INTERVALS)
    last = current_day(call)
    per_day = {"minute": 24 * 60, "hour": 24}.get(unit, 1)
    reach = timedelta(days=-(-count // per_day) * MOST_DAYS[unit])
    keys = unit_buckets(last - reach, last, unit).keys[-count:]
    first = date.fromisoformat(keys[0][:10])
    return Buckets(first, last, keys, lambda moment: bucket_key(moment, unit))


def number_of(count_type: str, users: Collection[str]) -> Any:
    """What a bucket counts, from the users of its rows."""
    if count_type == "general":
        return len(users)
    unique = len(set(users))
    return unique if count_type == "unique" else round(len(users) / unique, 4)


class Table:
    """Rows by series and bucket."""

    def __init__(self, buckets: Buckets, names: Iterable[str] = ()) -> None:
        self._buckets = buckets
        self._keys = frozenset(buckets.keys)
        self._users: dict[str, defaultdict[str, list[str]]] = {
            name: defaultdict(list) for name in names
        }

    def add(self, name: str, row: Row) -> None:
        """Count a row in a series; outside of the buckets it does not count."""
        key = self._buckets.key(row.moment)
        if key in self._keys:
            self._users.setdefault(name, defaultdict(list))[key].append(row.user)

    def values(self, count_type: str, limit: int | None = None) -> dict[str, dict[str, Any]]:
        """The numbers of the biggest series; buckets without a row are absent."""
        sizes = {name: sum(map(len, buckets.values())) for name, buckets in self._users.items()}
        top = sorted(self._users, key=lambda name: -sizes[name])[:limit]
        return {
            name: {key: number_of(count_type, users) for key, users in self._users[name].items()}
            for name in top
        }

    def answer(self, call: Call, count_type: str, limit: int | None = None) -> Response:
        """The envelope of counts; newest bucket first, because no order is promised."""
        values = self.values(count_type, limit)
        if call.choice("format", ("json", "csv"), "json") == "csv":
            return _as_csv(self._buckets.keys, values)
        series = list(reversed(self._buckets.keys))
        return JSONResponse(
            {"data": {"series": series, "values": values}, "legend_size": len(values)}
        )


def _as_csv(keys: Iterable[str], values: dict[str, dict[str, Any]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["date", *values])
    writer.writerows([key, *(values[name].get(key, 0) for name in values)] for key in keys)
    return Response(text.getvalue(), media_type="text/csv")
