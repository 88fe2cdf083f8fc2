"""What the params of a report mean: its days, filters, breakdowns and the steps of its behaviors.

Never computes anything. Params that it cannot read are an unknown error, as at Mixpanel.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import wraps
from itertools import accumulate
from typing import Any, TypeVar

from mp_mcp.demo.bookmarks import find_bookmark
from mp_mcp.demo.counted import Selection, current_day, midnight, selection
from mp_mcp.demo.expressions import Expression
from mp_mcp.demo.funnels import SECONDS, Funnel, Step
from mp_mcp.demo.periods import UNITS, later
from mp_mcp.demo.report_filters import both, condition_of, property_reader
from mp_mcp.demo.report_params import CUSTOM_EVENT_ID
from mp_mcp.demo.retention import Retention
from mp_mcp.demo.wire import Call, WireError

CUSTOM_EVENTS = {CUSTOM_EVENT_ID: ("Activated", ("Purchase", "Plan Upgraded"))}
"""Names of custom events, and the events that they are."""

TOTAL_CHARTS = ("bar", "bar-stacked", "pie", "insights-metric", "metric")
"""Charts that show one number for the whole range; others show one per period."""


RETENTION_DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True)
class Report:
    """A report of any type but flows."""

    first: date
    last: date
    unit: str
    where: Expression | None
    groups: tuple[tuple[str, Expression], ...]
    """Names of breakdowns, and what gives their values."""
    show: tuple[Mapping[str, Any], ...]
    chart: str

    @property
    def behavior(self) -> Mapping[str, Any]:
        """The funnel or the retention that it shows."""
        found: Mapping[str, Any] = self.show[0]["behavior"]
        return found


Read = TypeVar("Read")


def reading(read: Callable[..., Read]) -> Callable[..., Read]:
    """Params that cannot be read make Mixpanel fail, not complain."""

    @wraps(read)
    def reading_params(*arguments: Any) -> Read:
        try:
            return read(*arguments)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise WireError(500, "An unknown error occurred.") from error

    return reading_params


def saved_report(call: Call, *kinds: str, name: str = "bookmark_id") -> dict[str, Any]:
    """The saved report that a query names, which must be of one of the types."""
    found = find_bookmark(int(call.project.id), call.text(name))
    if found is None:
        raise WireError(404, f"Bookmark not found: {call.params[name]}")
    if found["type"] not in kinds:
        kind = found["type"]
        raise WireError(400, f"Error in {name}: reports of type {kind} cannot be queried here")
    return found


@reading
def read_report(call: Call, params: Mapping[str, Any]) -> Report:
    """What some params mean."""
    sections = params["sections"]
    when = sections["time"][0]
    first, last = _days(call, when)
    unit = when.get("unit") or "day"
    if unit not in UNITS:
        raise ValueError(unit)
    groups = [(str(one["value"]), property_reader(one)) for one in sections.get("group") or ()]
    return Report(
        first,
        last,
        unit,
        condition_of(sections.get("filter") or ()),
        tuple(groups),
        tuple(sections["show"]),
        str(params["displayOptions"]["chartType"]),
    )


def _days(call: Call, when: Mapping[str, Any]) -> tuple[date, date]:
    if when["dateRangeType"] == "between":
        first, last = (date.fromisoformat(day) for day in when["value"])
        return first, last
    window = when["window"]
    return last_days(call, str(window["unit"]), int(window["value"]))


def last_days(call: Call, unit: str, count: int) -> tuple[date, date]:
    """The days of so many units up to now."""
    last = current_day(call)
    if unit in ("second", "minute", "hour"):
        count = -(-count * SECONDS[unit] // SECONDS["day"])
        unit = "day"
    if unit in ("day", "week"):
        return last - timedelta(days=count * (7 if unit == "week" else 1) - 1), last
    return later(midnight(last).replace(day=1), unit, 1 - count).date(), last


def event_selection(behavior: Mapping[str, Any], where: Expression | None) -> Selection:
    """The rows of one event of a report."""
    own = condition_of(behavior.get("filters") or (), behavior.get("filtersDeterminer", "all"))
    custom = _custom_event_id(behavior)
    if custom is not None:
        names: tuple[str, ...] | None = CUSTOM_EVENTS[custom][1]
    else:
        # The name of the event that stands for all of them.
        names = None if behavior["name"] in ("$all_events", "$any_event") else (behavior["name"],)
    return selection(names, both(where, own))


def event_label(behavior: Mapping[str, Any]) -> str:
    """How an event is called in a report."""
    custom = _custom_event_id(behavior)
    return str(behavior["name"]) if custom is None else CUSTOM_EVENTS[custom][0]


def _custom_event_id(behavior: Mapping[str, Any]) -> int | None:
    return int(behavior["id"]) if behavior.get("type") == "custom-event" else None


@reading
def read_funnel(behavior: Mapping[str, Any], where: Expression | None) -> Funnel:
    """The funnel that a behavior describes, with a filter for all of its steps."""
    if behavior["type"] != "funnel" or behavior.get("exclusions") or behavior.get("aggregateBy"):
        raise ValueError("not a funnel that can be computed here")
    window_s = int(behavior["conversionWindowDuration"]) * SECONDS[behavior["conversionWindowUnit"]]
    steps = [
        Step(event_selection(one, where), str(one["name"]), event_label(one), _custom_event_id(one))
        for one in behavior["behaviors"]
    ]
    if len(steps) < 2:
        raise ValueError("a funnel has at least two steps")
    return Funnel(tuple(steps), window_s)


@reading
def read_retention(report: Report) -> Retention:
    """The retention that a report describes: as many buckets as its days have units."""
    behavior = report.behavior
    born, back = behavior["behaviors"]
    unit = behavior["retentionUnit"]
    custom = behavior.get("retentionCustomBucketSizes")
    if behavior["type"] != "retention" or unit not in RETENTION_DAYS:
        raise ValueError("not a retention that can be computed here")
    days = (report.last - report.first).days + 1
    return Retention(
        report.first,
        report.last,
        event_selection(born, report.where),
        event_selection(back, report.where),
        unit,
        tuple(accumulate(custom or [1] * max(1, days // RETENTION_DAYS[unit]))),
        from_start=behavior.get("retentionAlignmentType") == "interval_start",
    )
