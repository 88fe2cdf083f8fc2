"""Query endpoints about numbers in events: ranges, sums and averages over time.

Never guesses a number: what an expression does not make a number of has no range, and sums as 0.
"""

from collections import defaultdict
from math import fsum, isfinite
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import Row, computed_at, counted_rows, refusing_bad_expressions, selection
from mp_mcp.demo.tables import COUNT_TYPES, Buckets, Table, unit_buckets
from mp_mcp.demo.values import is_number
from mp_mcp.demo.wire import Call, WireError, endpoint

MOST_RANGES = 12


@endpoint("query", "/segmentation/numeric")
@refusing_bad_expressions
def numeric(call: Call) -> Response:
    """Counts of one event per bucket of time and range of numbers."""
    buckets, values = _asked(call)
    count_type = call.choice("type", COUNT_TYPES, "general")
    numbers = [(row, value) for row, value in values if _is_finite(value)]
    width = _width([value for _, value in numbers])
    table = Table(buckets)
    for row, value in numbers:
        low = int(value // width) * width
        table.add(f"{low:,} - {low + width:,}", row)
    return table.answer(call, count_type)


@endpoint("query", "/segmentation/sum")
@refusing_bad_expressions
def total(call: Call) -> Response:
    """The sum of an expression per bucket of time."""
    results = {key: fsum(numbers) for key, numbers in _numbers(call).items()}
    return JSONResponse({"status": "ok", "computed_at": computed_at(call), "results": results})


@endpoint("query", "/segmentation/average")
@refusing_bad_expressions
def average(call: Call) -> Response:
    """The mean of an expression per bucket of time."""
    results = {key: fsum(numbers) / len(numbers) for key, numbers in _numbers(call).items()}
    return JSONResponse({"status": "ok", "results": results})


def _asked(call: Call) -> tuple[Buckets, list[tuple[Row, Any]]]:
    name = call.text("event")
    buckets = unit_buckets(*call.days(), call.choice("unit", ("hour", "day"), "day"))
    where, on = call.expression("where"), call.expression("on")
    if on is None:
        raise WireError(400, "Missing required parameter: on")
    rows = counted_rows(call, buckets.first, buckets.last, selection([name], where))
    return buckets, [(row, on(row.subject)) for row in rows]


def _numbers(call: Call) -> dict[str, list[float]]:
    """The numbers of each bucket that has rows; what is not a number is 0."""
    buckets, values = _asked(call)
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row, value in values:
        found[buckets.key(row.moment)].append(value if _is_finite(value) else 0.0)
    return found


def _is_finite(value: Any) -> bool:
    return is_number(value) and isfinite(value)


def _width(numbers: list[float]) -> int:
    """A round width of ranges, such that there are not too many."""
    reach = max(numbers, default=0) - min(numbers, default=0)
    power = 1
    while True:
        for digit in (1, 2, 5):
            if reach <= digit * power * (MOST_RANGES - 1):
                return digit * power
        power *= 10
