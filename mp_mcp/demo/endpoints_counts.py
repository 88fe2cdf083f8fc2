"""Query endpoints that count: events over time, by value of a property or of an expression.

Never serves a raw event: duplicates are counted once here.
"""

from starlette.responses import Response

from mp_mcp.demo.counted import counted_rows, refusing_bad_expressions, selection
from mp_mcp.demo.tables import COUNT_TYPES, Buckets, Table, asked_buckets, asked_or_latest_buckets
from mp_mcp.demo.values import UNDEFINED, text_of
from mp_mcp.demo.wire import Call, WireError, endpoint


@endpoint("query", "/segmentation")
@refusing_bad_expressions
def segmentation(call: Call) -> Response:
    """Counts of one event per bucket of time, by value of an expression when `on` is given."""
    name = call.text("event")
    buckets = asked_buckets(call)
    count_type = call.choice("type", COUNT_TYPES, "general")
    where, on = call.expression("where"), call.expression("on")
    limit = call.integer("limit", 60, high=10_000)
    table = Table(buckets, () if on else (name,))
    for row in counted_rows(call, buckets.first, buckets.last, selection([name], where)):
        table.add(text_of(on(row.subject)) if on else name, row)
    return table.answer(call, count_type, limit)


@endpoint("query", "/events")
def event_counts(call: Call) -> Response:
    """Counts of several events per bucket of time."""
    names = call.strings("event")
    if not names:
        raise WireError(400, "Missing required parameter: event")
    buckets, count_type = _asked(call)
    table = Table(buckets, names)
    for row in counted_rows(call, buckets.first, buckets.last, selection(names)):
        table.add(row.name, row)
    return table.answer(call, count_type)


@endpoint("query", "/events/properties")
def property_counts(call: Call) -> Response:
    """Counts of one event per bucket of time and value of a property that it has."""
    event, name = call.text("event"), call.text("name")
    kept = call.strings("values")
    buckets, count_type = _asked(call)
    limit = call.integer("limit", 255)
    table = Table(buckets)
    for row in counted_rows(call, buckets.first, buckets.last, selection([event])):
        value = row.event.properties.get(name, UNDEFINED)
        if value is not UNDEFINED and (kept is None or text_of(value) in kept):
            table.add(text_of(value), row)
    return table.answer(call, count_type, limit)


def _asked(call: Call) -> tuple[Buckets, str]:
    count_type = call.choice("type", COUNT_TYPES)
    buckets = asked_or_latest_buckets(call)
    if count_type == "unique" and call.params["unit"] in ("minute", "hour"):
        raise WireError(400, "Error in type: there are no hourly uniques")
    return buckets, count_type
