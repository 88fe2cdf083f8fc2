"""Query endpoints that name what there is: events, properties, values and saved funnels.

Never counts over time.
"""

from collections import Counter
from datetime import date, timedelta
from itertools import islice
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.bookmarks import make_bookmarks
from mp_mcp.demo.counted import Selection, counted_rows, current_day, selection
from mp_mcp.demo.tables import COUNT_TYPES, number_of
from mp_mcp.demo.values import UNDEFINED, text_of
from mp_mcp.demo.wire import Call, endpoint

DAYS = 31
"""How far back names are looked for."""
MAX_NAMES = 5000
NAMES_SAMPLE = 2000
"""Rows of each day that are looked at for names; every kind of event is among them."""
COMPUTED_PROPERTY = "$duration_s"
"""A property of sessions: no event carries it, so it has no count."""


@endpoint("query", "/events/names")
def event_names(call: Call) -> Response:
    """Names of events in the last 31 days or in the asked range, most frequent first."""
    call.choice("type", COUNT_TYPES, "general")
    limit = min(MAX_NAMES, call.integer("limit", 255))
    first, last = _default_days(call)
    call.params.setdefault("to_date", str(last))
    call.params.setdefault("from_date", str(first))
    first, last = call.days()
    names: Counter[str] = Counter()
    for day in call.project.story.days_between(first, last):
        rows = call.project.history.exported(day, late=call.world.switches.late)
        names.update(event.name for event in islice(rows, NAMES_SAMPLE))
    return JSONResponse([name for name, _ in names.most_common(limit)])


@endpoint("query", "/events/properties/top")
def top_properties(call: Call) -> Response:
    """The properties that most of an event's rows have; without `event`, of all rows."""
    limit = call.integer("limit", 10)
    counts: Counter[str] = Counter()
    for row in counted_rows(call, *_default_days(call), _asked_event(call)):
        counts.update(row.event.properties.keys())
    top = sorted(counts, key=lambda name: (-counts[name], name))
    found: dict[str, Any] = {name: {"count": counts[name]} for name in top}
    if not call.params.get("event"):
        found[COMPUTED_PROPERTY] = {}
    return JSONResponse(dict(islice(found.items(), limit)))


@endpoint("query", "/events/properties/values")
def top_values(call: Call) -> Response:
    """The most common values of a property, as text."""
    name = call.text("name")
    limit = call.integer("limit", 255)
    values: Counter[str] = Counter()
    for row in counted_rows(call, *_default_days(call), _asked_event(call)):
        value = row.event.properties.get(name, UNDEFINED)
        if value is not UNDEFINED:
            values[text_of(value)] += 1
    return JSONResponse([value for value, _ in values.most_common(limit)])


@endpoint("query", "/events/top")
def top_events(call: Call) -> Response:
    """The events of the last day with data, and how they changed since the day before."""
    count_type = call.choice("type", COUNT_TYPES, "general")
    limit = call.integer("limit", 100)
    today = current_day(call)
    amounts = _amounts(call, today, count_type)
    before = _amounts(call, today - timedelta(days=1), count_type)
    top = sorted(amounts, key=lambda name: -amounts[name])[:limit]
    events = [
        {
            "event": name,
            "amount": amounts[name],
            "percent_change": _change(before.get(name, 0), amounts[name]),
        }
        # By name, because no order is promised.
        for name in sorted(top)
    ]
    return JSONResponse({"events": events, "type": count_type})


@endpoint("query", "/funnels/list")
def saved_funnels(call: Call) -> Response:
    """Saved funnels; they have the ids of their reports."""
    return JSONResponse(
        [
            {"funnel_id": bookmark["id"], "name": bookmark["name"]}
            for bookmark in make_bookmarks(int(call.project.id))
            if bookmark["type"] == "funnels"
        ]
    )


def _default_days(call: Call) -> tuple[date, date]:
    today = call.project.story.today
    return today - timedelta(days=DAYS - 1), today


def _asked_event(call: Call) -> Selection:
    event = call.params.get("event")
    return selection([str(event)] if event else None)


def _amounts(call: Call, day: date, count_type: str) -> dict[str, Any]:
    users: dict[str, list[str]] = {}
    for row in counted_rows(call, day, day, selection(None)):
        users.setdefault(row.name, []).append(row.user)
    return {name: number_of(count_type, found) for name, found in users.items()}


def _change(before: float, now: float) -> float:
    """A fraction; what is new has grown by the whole."""
    return round((now - before) / before, 4) if before else 1.0
