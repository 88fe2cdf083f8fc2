"""`GET query/funnels`: how many users pass the steps of a saved funnel, summed over a range.

Never asks for a funnel that is not saved: its steps live in Mixpanel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import Number, NumberIfAny, read, unexpected
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.expressions import property_expression
from mp_mcp.mixpanel.nesting import OVERALL
from mp_mcp.mixpanel.transport import Params
from mp_mcp.results import Row, Rows

Unit = Literal["day", "week", "month"]

LONGEST_CONVERSION_DAYS = 90
"""Conversions count that long after the last day; how long exactly, the saved funnel knows."""

MOST_SEGMENTS = 255
"""Mixpanel's own limit for a breakdown that asks for no other."""

STEP_COLUMNS = (
    "step",
    "event",
    "count",
    "step_conv_ratio",
    "overall_conv_ratio",
    "avg_time",
    "avg_time_from_start",
)
_WHAT = "a funnel"


class _Step(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    count: NumberIfAny = None
    event: str | None = None
    goal: str | None = None
    step_label: str | None = None
    avg_time: NumberIfAny = None
    avg_time_from_start: NumberIfAny = None


class _Answer(BaseModel):
    data: dict[str, dict[str, Any]]


_ANSWER = TypeAdapter(_Answer)
_STEPS = TypeAdapter(list[_Step])


async def funnel(
    mixpanel: Mixpanel,
    funnel_id: int,
    from_date: date,
    to_date: date,
    *,
    unit: Unit = "day",
    on: str | None = None,
    where: str | None = None,
) -> Rows:
    """One row per step for users who entered in the range; `on` adds rows per segment."""
    params: Params = {
        "funnel_id": funnel_id,
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
        "unit": unit,
        "on": property_expression(on) if on else None,
        "where": where,
    }
    keep_s = freshness.until(to_date, days_after=LONGEST_CONVERSION_DAYS)
    answer = await mixpanel.get("query", "/funnels", params, keep_s=keep_s, zoned=True)
    return funnel_of(answer, segmented=bool(on))


def funnel_of(answer: Any, *, segmented: bool = False) -> Rows:
    """Counts summed over the dates, with ratios and mean times that fit the sums.

    `$overall` comes first, then the segments with the most users at the first step.
    """
    funnels: dict[str, list[_Total]] = {}
    for _, entry in sorted(read(_ANSWER, answer, _WHAT).data.items()):
        for segment, steps in _segments(entry).items():
            _add(funnels.setdefault(segment, []), steps)
    if not segmented and set(funnels) <= {OVERALL}:
        return Rows.of(STEP_COLUMNS, _rows(funnels.get(OVERALL, [])))
    names = sorted(funnels, key=lambda name: (name != OVERALL, -_start(funnels[name]), name))
    rows = [[name, *row] for name in names for row in _rows(funnels[name])]
    found = Rows.of(["segment", *STEP_COLUMNS], rows)
    if len(names) > MOST_SEGMENTS:
        found.truncated = True
        found.hint = (
            f"Mixpanel gives {MOST_SEGMENTS} segments only: use a property of fewer values."
        )
    return found


def _segments(entry: Mapping[str, Any]) -> dict[str, list[_Step]]:
    """The steps of one date: of everybody, or of each segment."""
    if "steps" in entry and OVERALL not in entry:
        return {OVERALL: read(_STEPS, entry["steps"], _WHAT)}
    found = {name: read(_STEPS, steps, _WHAT) for name, steps in _lists(entry).items()}
    if entry and not found:
        raise unexpected(_WHAT)
    return found


def _lists(entry: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Lists of steps by segment; some come in an object of their own."""
    held = {name: value.get("steps") for name, value in entry.items() if isinstance(value, dict)}
    return {name: value for name, value in {**entry, **held}.items() if isinstance(value, list)}


@dataclass
class _Mean:
    """A mean of means: each counts as often as the users behind it."""

    total: float = 0.0
    users: Number = 0

    def add(self, mean: Number | None, users: Number) -> None:
        if mean is not None:
            self.total += mean * users
            self.users += users

    def value(self) -> float | None:
        return round(self.total / self.users, 3) if self.users else None


class _Total:
    """One step over all dates."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.count: Number | None = None
        self.time = _Mean()
        self.time_from_start = _Mean()

    def add(self, step: _Step) -> None:
        count = step.count or 0
        self.name = self.name or step.step_label or step.event or step.goal
        if step.count is not None:
            self.count = count + (self.count or 0)
        self.time.add(step.avg_time, count)
        self.time_from_start.add(step.avg_time_from_start, count)


def _add(totals: list[_Total], steps: list[_Step]) -> None:
    totals.extend(_Total() for _ in range(len(steps) - len(totals)))
    # Some dates have fewer steps than others.
    for total, step in zip(totals, steps, strict=False):
        total.add(step)


def _start(totals: list[_Total]) -> Number:
    return (totals[0].count if totals else None) or 0


def _rows(totals: list[_Total]) -> list[Row]:
    rows: list[Row] = []
    before: Number | None = _start(totals)
    for number, total in enumerate(totals, start=1):
        ratios = [ratio(total.count, before), ratio(total.count, _start(totals))]
        times = [total.time.value(), total.time_from_start.value()]
        rows.append([number, total.name, total.count, *ratios, *times])
        before = total.count
    return rows


def ratio(part: Number | None, whole: Number | None) -> float | None:
    """A fraction with six digits after the point; of nobody there is none."""
    return round(part / whole, 6) if part is not None and whole else None
