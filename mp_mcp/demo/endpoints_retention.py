"""Query endpoints about people who come back, and how often they are active.

Never gives percentages, except in the form of saved reports.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import Row, counted_rows, refusing_bad_expressions, selection
from mp_mcp.demo.expressions import Expression
from mp_mcp.demo.reports import RETENTION_DAYS, read_report, read_retention, saved_report
from mp_mcp.demo.retention import (
    Life,
    Retention,
    activity,
    asked_cohorts,
    counts_of,
    sizes_of,
    with_rates,
)
from mp_mcp.demo.values import text_of
from mp_mcp.demo.wire import Call, WireError, endpoint

UNITS = tuple(RETENTION_DAYS)
MOST_INTERVAL_DAYS = 90


@endpoint("query", "/retention")
@refusing_bad_expressions
def retention(call: Call) -> Response:
    """Cohorts by day, week or month of birth, and how many of them came back when."""
    if call.params.get("bookmark_id"):
        return _saved(call)
    asked = _asked(call)
    on = call.expression("on")
    limit = call.integer("limit", 255, high=10_000)
    people = asked_cohorts(call, asked)
    if on is not None:
        return JSONResponse(_broken_down(asked, people, on, limit))
    return JSONResponse(
        {f"{cohort:%Y-%m-%d}": sizes_of(asked, members) for cohort, members in people.items()}
    )


@endpoint("query", "/retention/addiction")
@refusing_bad_expressions
def addiction(call: Call) -> Response:
    """By period, how many people were active in at least one, two, ... units of it."""
    first, last = call.days()
    unit = call.choice("unit", UNITS)
    active_unit = call.choice("addiction_unit", ("hour", "day"))
    on = call.expression("on")
    limit = call.integer("limit", 255, high=10_000)
    rows = list(counted_rows(call, first, last, selection(_event(call), call.expression("where"))))

    def counted(some: Sequence[Row]) -> dict[str, list[int]]:
        found = activity(some, first, last, unit, active_unit)
        return {f"{period:%Y-%m-%d}": counts for period, counts in found.items()}

    data: dict[str, Any] = counted(rows)
    if on is not None:
        parts: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            parts[text_of(on(row.subject))].append(row)
        top = sorted(parts, key=lambda value: -len(parts[value]))[:limit]
        tables = {value: counted(parts[value]) for value in top}
        data = {period: {value: tables[value][period] for value in top} for period in data}
    return JSONResponse(data if call.world.switches.addiction_bare else {"data": data})


def _saved(call: Call) -> Response:
    report = read_report(call, saved_report(call, "retention")["params"])
    asked = read_retention(report)
    return JSONResponse(
        {
            f"{cohort:%Y-%m-%dT%H:%M:%S}": with_rates(sizes_of(asked, members))
            for cohort, members in asked_cohorts(call, asked).items()
        }
    )


def _event(call: Call) -> list[str] | None:
    event = call.params.get("event")
    return [str(event)] if event else None


def _asked(call: Call) -> Retention:
    first, last = call.days()
    again = call.choice("retention_type", ("birth", "compounded"), "birth") == "compounded"
    has_interval = call.params.get("interval") not in (None, "")
    refused = call.world.switches.retention_unit_interval_refused
    if refused and has_interval and call.params.get("unit"):
        raise WireError(400, "Error in interval: cannot be used together with unit")
    unit = call.choice("unit", UNITS, "day")
    interval = call.integer("interval", 1) if has_interval else 1
    if interval * RETENTION_DAYS[unit] > MOST_INTERVAL_DAYS:
        raise WireError(400, "Error in interval: an interval is at most 90 days")
    buckets = call.integer("interval_count", 1, high=1000) + 1
    unbounded = call.choice("unbounded_retention", ("true", "false"), "false") == "true"
    back = selection(_event(call), call.expression("where"))
    # Those who do something again are born by what they do again.
    born = back if again else selection([call.text("born_event")], call.expression("born_where"))
    return Retention(
        first,
        last,
        born,
        back,
        unit,
        tuple(interval * number for number in range(1, buckets + 1)),
        interval,
        again,
        unbounded=unbounded,
    )


def _broken_down(
    asked: Retention, people: dict[datetime, list[Life]], on: Expression, limit: int
) -> dict[str, Any]:
    """By value of the returning events; `first` stays the size of the whole cohort."""
    values: dict[int, str] = {}
    sizes: Counter[str] = Counter()
    for members in people.values():
        for life in members:
            for _, row in life.returns:
                values[id(row)] = text_of(on(row.subject))
                sizes[values[id(row)]] += 1

    def part(members: Sequence[Life], value: str) -> dict[str, Any]:
        counts = counts_of(asked, members, lambda row: values[id(row)] == value)
        return {"first": len(members), "counts": counts}

    return {
        f"{cohort:%Y-%m-%d}": {
            value: found
            for value, _ in sizes.most_common(limit)
            if any((found := part(members, value))["counts"])
        }
        for cohort, members in people.items()
    }
