"""One number, or a few, about many profiles.

Never shows a profile.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import computed_at
from mp_mcp.demo.engage import evaluated, in_cohort, selected
from mp_mcp.demo.expressions import ExpressionError, compile_expression
from mp_mcp.demo.profiles import Profile
from mp_mcp.demo.values import is_number
from mp_mcp.demo.wire import Call, WireError, endpoint

_ACTION = re.compile(r"(count|extremes|numeric_summary|percentile)\((.*)\)", re.DOTALL)
_PERCENTILE = re.compile(r"(.+),\s*(\d+(?:\.\d+)?)\s*", re.DOTALL)


@endpoint("query", "/engage/stats", "POST", "GET")
def engage_stats(call: Call) -> Response:
    """The result of `action` for the profiles that the selector takes."""
    action = _ACTION.fullmatch(str(call.params.get("action", "count()")).strip())
    if action is None:
        raise WireError(400, f"Error in action: {call.params['action']} is unknown")
    found = selected(call, "selector")
    cohorts = call.structure("segment_by_cohorts", dict)
    results: Any
    if cohorts is None:
        results = _result(call, action, found)
    else:
        results = {
            cohort_id: _result(call, action, _segment(call, found, cohort_id, inside))
            for cohort_id, inside in cohorts.items()
        }
    body = {"results": results, "status": "ok", "computed_at": computed_at(call)}
    return JSONResponse(body)


def _segment(call: Call, found: list[Profile], cohort_id: str, inside: bool) -> list[Profile]:
    members = {profile.distinct_id for profile in in_cohort(call, cohort_id)}
    return [one for one in found if (one.distinct_id in members) == bool(inside)]


def _result(call: Call, action: re.Match[str], profiles: Sequence[Profile]) -> Any:
    name, argument = action[1], action[2].strip()
    if name == "count":
        return len(profiles)
    if name == "percentile":
        parts = _PERCENTILE.fullmatch(argument)
        if parts is None:
            raise WireError(400, "Error in action: percentile needs a number")
        share = float(parts[2])
        result = _percentile(_numbers(call, profiles, parts[1]), share)
        return {"percentile": int(share) if share.is_integer() else share, "result": result}
    numbers = _numbers(call, profiles, argument)
    if name == "extremes":
        return {"min": min(numbers, default=None), "max": max(numbers, default=None)}
    return _summary(numbers)


def _numbers(call: Call, profiles: Sequence[Profile], text: str) -> list[float]:
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        raise WireError(400, f"Error in action: {error}") from error
    return sorted(value for value in evaluated(call, profiles, expression) if is_number(value))


def _percentile(numbers: Sequence[float], share: float) -> float | None:
    """The nearest rank."""
    if not numbers:
        return None
    return numbers[min(len(numbers), max(1, math.ceil(len(numbers) * share / 100))) - 1]


def _summary(numbers: Sequence[float]) -> dict[str, Any]:
    count, total = len(numbers), sum(numbers)
    squares = sum(number * number for number in numbers)
    mean = total / count if count else 0.0
    variance = squares / count - mean * mean if count else 0.0
    return {"count": count, "mean": mean, "var": variance, "sum_of_squares": squares}
