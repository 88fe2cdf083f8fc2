"""Query endpoints: names of events, and counts over time.

Never serves a raw event: duplicates are counted once here.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.events import Event
from mp_mcp.demo.expressions import Expression, ExpressionError
from mp_mcp.demo.rows import passing, subject_of
from mp_mcp.demo.values import text_of
from mp_mcp.demo.wire import Call, WireError, endpoint

COUNT_TYPES = ("general", "unique", "average")
UNITS = ("minute", "hour", "day", "week", "month")
MAX_NAMES = 5000
NAMES_SAMPLE = 2000
"""Rows of each day that are looked at for names; every kind of event is among them."""


@endpoint("query", "/events/names")
def event_names(call: Call) -> Response:
    """Names of events in the last 31 days or in the asked range, most frequent first."""
    call.choice("type", COUNT_TYPES, "general")
    limit = min(MAX_NAMES, call.integer("limit", 255))
    today = call.project.story.today
    call.params.setdefault("to_date", str(today))
    call.params.setdefault("from_date", str(today - timedelta(days=30)))
    first, last = call.days()
    names: Counter[str] = Counter()
    for day in call.project.story.days_between(first, last):
        rows = call.project.history.exported(day, late=call.world.switches.late)
        names.update(event.name for event in islice(rows, NAMES_SAMPLE))
    return JSONResponse([name for name, _ in names.most_common(limit)])


@endpoint("query", "/segmentation")
def segmentation(call: Call) -> Response:
    """Counts of one event per bucket of time, by value of an expression when `on` is given."""
    name = call.text("event")
    first, last = call.days()
    count_type = call.choice("type", COUNT_TYPES, "general")
    bucket = _bucket_function(call, first)
    where, on = call.expression("where"), call.expression("on")
    limit = call.integer("limit", 60, high=10_000)
    table: dict[str, defaultdict[str, list[str]]] = {} if on else {name: defaultdict(list)}
    try:
        for event in _events(call, name, first, last, where):
            key = text_of(on(subject_of(call.project.history, event))) if on else name
            moment = datetime.fromtimestamp(event.properties["time"] // 1000, call.project.zone)
            users = table.setdefault(key, defaultdict(list))[bucket(moment)]
            users.append(text_of(event.properties["distinct_id"]))
    except ExpressionError as error:
        raise WireError(400, str(error)) from error
    top = sorted(table, key=lambda key: -sum(map(len, table[key].values())))[:limit]
    values = {
        key: {when: _number(count_type, users) for when, users in table[key].items()} for key in top
    }
    return JSONResponse(
        {
            "data": {"series": _series(bucket, first, last, call), "values": values},
            "legend_size": len(values),
        }
    )


def _events(
    call: Call, name: str, first: date, last: date, where: Expression | None
) -> "list[Event]":
    history = call.project.history
    found: list[Event] = []
    for day in history.story.days_between(first, last):
        counted = history.counted(day, late=call.world.switches.late)
        named = (event for event in counted if event.name == name)
        found.extend(passing(history, named, where))
    return found


def _number(count_type: str, users: list[str]) -> Any:
    if count_type == "general":
        return len(users)
    unique = len(set(users))
    return unique if count_type == "unique" else round(len(users) / unique, 4)


def _bucket_function(call: Call, first: date) -> Callable[[datetime], str]:
    if call.params.get("interval") not in (None, ""):
        size = call.integer("interval", 1)
        return lambda moment: str(
            first + timedelta(days=(moment.date() - first).days // size * size)
        )
    unit = call.choice("unit", UNITS, "day")
    return lambda moment: bucket_key(moment, unit)


def bucket_key(moment: datetime, unit: str) -> str:
    """The key of the bucket that holds a moment; weeks begin on Monday."""
    if unit == "minute":
        return f"{moment:%Y-%m-%d %H:%M:00}"
    if unit == "hour":
        return f"{moment:%Y-%m-%d %H:00:00}"
    if unit == "week":
        moment -= timedelta(days=moment.weekday())
    return f"{moment:%Y-%m-01}" if unit == "month" else f"{moment:%Y-%m-%d}"


def _series(bucket: Callable[[datetime], str], first: date, last: date, call: Call) -> list[str]:
    """Every bucket of the range; newest first, because no order is promised."""
    step = {"minute": 1, "hour": 60}.get(str(call.params.get("unit")), 24 * 60)
    moment = datetime(first.year, first.month, first.day, tzinfo=UTC)
    keys: dict[str, None] = {}
    while moment.date() <= last:
        keys[bucket(moment)] = None
        moment += timedelta(minutes=step)
    return list(reversed(keys))
