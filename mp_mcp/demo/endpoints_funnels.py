"""The query endpoint of saved funnels.

Never says who went through: it counts people.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.bookmarks import find_bookmark
from mp_mcp.demo.counted import Row, refusing_bad_expressions
from mp_mcp.demo.expressions import Expression
from mp_mcp.demo.funnels import (
    MOST_WINDOW_S,
    SECONDS,
    Attempt,
    Funnel,
    StepResult,
    asked_attempts,
    best_attempts,
    step_results,
)
from mp_mcp.demo.report_filters import both
from mp_mcp.demo.reports import Report, read_funnel, read_report
from mp_mcp.demo.tables import Buckets, asked_buckets
from mp_mcp.demo.values import text_of
from mp_mcp.demo.wire import Call, WireError, endpoint

LENGTH_UNITS = ("second", "minute", "hour", "day")


@endpoint("query", "/funnels")
@refusing_bad_expressions
def funnels(call: Call) -> Response:
    """How many people took each step of a saved funnel, per bucket of time."""
    report = _saved_funnel(call)
    buckets = asked_buckets(call, ("day", "week", "month"))
    on = call.expression("on")
    limit = call.integer("limit", 255, high=10_000)
    funnel = _asked_funnel(call, report)
    found = list(asked_attempts(call, funnel, buckets.first, buckets.last))
    data = _broken_down(funnel, buckets, found, on, limit) if on else _whole(funnel, buckets, found)
    today = call.project.story.today
    return JSONResponse(
        {
            "meta": {"dates": list(buckets.keys)},
            "data": data,
            "computed_at": f"{today}T00:00:01+00:00",
        }
    )


def _saved_funnel(call: Call) -> Report:
    found = find_bookmark(int(call.project.id), call.text("funnel_id"))
    if found is None or found["type"] != "funnels":
        raise WireError(400, f"Error in funnel_id: there is no funnel {call.params['funnel_id']}")
    return read_report(call, found["params"])


def _asked_funnel(call: Call, report: Report) -> Funnel:
    funnel = read_funnel(report.behavior, both(report.where, call.expression("where")))
    if call.params.get("length") in (None, ""):
        return funnel
    saved_unit = str(report.behavior["conversionWindowUnit"])
    unit = call.choice("length_unit", LENGTH_UNITS, saved_unit)
    window_s = call.integer("length", 1) * SECONDS[unit]
    if window_s > MOST_WINDOW_S:
        raise WireError(400, "Error in length: the conversion window is at most 90 days")
    return replace(funnel, window_s=window_s)


def _whole(funnel: Funnel, buckets: Buckets, found: Iterable[Attempt]) -> dict[str, Any]:
    counted = best_attempts(found, lambda entry: buckets.key(entry.moment))
    data = {}
    for key in buckets.keys:
        results = step_results(funnel, counted.get(key, []))
        data[key] = {"steps": _steps(funnel, results), "analysis": _analysis(results)}
    return data


def _broken_down(
    funnel: Funnel, buckets: Buckets, found: Sequence[Attempt], on: Expression, limit: int
) -> dict[str, Any]:
    """Steps by value of the entry, for the values with the most entries."""

    def group(entry: Row) -> tuple[str, str]:
        return buckets.key(entry.moment), text_of(on(entry.subject))

    overall = best_attempts(found, lambda entry: buckets.key(entry.moment))
    parts = best_attempts(found, group)
    sizes: Counter[str] = Counter()
    for (_, value), counted in parts.items():
        sizes[value] += len(counted)
    data: dict[str, Any] = {}
    for key in buckets.keys:
        data[key] = {"$overall": _steps(funnel, step_results(funnel, overall.get(key, [])))}
        for value, _ in sizes.most_common(limit):
            if counted := parts.get((key, value), []):
                data[key][value] = _steps(funnel, step_results(funnel, counted))
    return data


def _steps(funnel: Funnel, results: Iterable[StepResult]) -> list[dict[str, Any]]:
    return [
        {
            "count": result.people,
            "step_conv_ratio": result.step_ratio,
            "overall_conv_ratio": result.overall_ratio,
            "avg_time": result.time_s,
            "avg_time_from_start": result.time_from_start_s,
            "goal": step.event,
            "event": step.event,
            "step_label": step.label,
            "convert_step_freq_buckets": [],
            "dropoff_step_freq_buckets": [],
            **(
                {}
                if step.custom_event_id is None
                else {"custom_event": True, "custom_event_id": step.custom_event_id}
            ),
        }
        for step, result in zip(funnel.steps, results, strict=True)
    ]


def _analysis(results: Sequence[StepResult]) -> dict[str, Any]:
    ratios = [result.step_ratio for result in results]
    return {
        "completion": results[-1].people,
        "starting_amount": results[0].people,
        "steps": len(results),
        "worst": ratios.index(min(ratios[1:]), 1),
    }
