"""The answers of `GET query/insights`: series of any depth, retention and funnels, as tables.

Never asks for anything: `saved_report.py` does.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mp_mcp.mixpanel.answers import Number, is_day, read, unexpected
from mp_mcp.mixpanel.funnels import STEP_COLUMNS
from mp_mcp.mixpanel.nesting import (
    OVERALL,
    Path,
    as_days,
    leaves,
    level_names,
    overall_first,
    padded,
    says_only_overall,
    split_date,
)
from mp_mcp.mixpanel.retention import cohort_rows, cohorts_of, is_counted
from mp_mcp.results import Row, Rows

ALL = "all"
"""Stands where dates stand: one number for the whole range."""

_MEASURES = STEP_COLUMNS[2:]
_STEP = re.compile(r"(\d+)\.\s+(.*)", re.DOTALL)
_WHAT = "a saved report"


class _Range(BaseModel):
    from_date: str | None = None
    to_date: str | None = None


class _Meta(BaseModel):
    is_segmentation_limit_hit: bool | None = None
    min_sampling_factor: float | None = None


class Answer(BaseModel):
    """An answer with its series still nested."""

    model_config = ConfigDict(extra="ignore")

    series: dict[str, Any]
    headers: list[str] = Field(default_factory=list)
    computed_at: str | None = None
    date_range: _Range | None = None
    meta: _Meta | None = None


_ANSWER = TypeAdapter(Answer)


def answer_of(answer: Any) -> Answer:
    """The envelope of a saved report."""
    return read(_ANSWER, answer, _WHAT)


def table_of(answer: Answer) -> Rows:
    """The series as a table: which kind of report it is, its own shape tells."""
    series, headers = answer.series, answer.headers
    if any(is_counted(leaf) for _, leaf in leaves(series, is_counted)):
        cohorts = cohorts_of(series)
        if len(headers) < 2 and says_only_overall(cohort.segments[1:] for cohort in cohorts):
            cohorts = [cohort._replace(segments=cohort.segments[:1]) for cohort in cohorts]
        depth = max(len(cohort.segments) for cohort in cohorts)
        return cohort_rows(cohorts, level_names(headers, depth, "metric"))
    if "$funnel" in headers[:1] or any(map(_is_funnel, _nodes(series))):
        return _funnel_rows(series, headers)
    return _series_rows(series, headers)


def _nodes(series: Mapping[str, Any]) -> Iterable[Any]:
    """What may be a funnel: what a label holds, or one level below it."""
    for node in series.values():
        yield node
        if isinstance(node, dict):
            yield from node.values()


def _is_funnel(node: Any) -> bool:
    return (
        isinstance(node, dict) and isinstance(node.get("count"), dict) and "step_conv_ratio" in node
    )


class _Point(NamedTuple):
    path: Path
    date: str | None
    value: Any


def _series_rows(series: Mapping[str, Any], headers: Sequence[str]) -> Rows:
    """One column per metric over the dates; with breakdowns, one row per path and date."""
    points = [_point(path, value) for path, value in leaves(series, lambda _: False)]
    if len(headers) < 2 and says_only_overall(point.path[1:] for point in points):
        points = [point._replace(path=point.path[:1]) for point in points]
    depth = max((len(point.path) for point in points), default=1)
    days = as_days(point.date for point in points if point.date is not None)
    if depth == 1 and points and all(point.date for point in points):
        return _by_date(points, days)
    totals: dict[Path, Number] = {}
    for point in points:
        for end in range(1, len(point.path) + 1):
            start = point.path[:end]
            number = point.value if isinstance(point.value, int | float) else 0
            totals[start] = totals.get(start, 0) + number
    place = {label: number for number, label in enumerate(series)}

    def order(point: _Point) -> tuple[Any, ...]:
        path = point.path
        levels = [
            (path[end] != OVERALL, -totals[path[: end + 1]], path[end])
            for end in range(1, len(path))
        ]
        return place[path[0]], levels, point.date or ""

    names = level_names(headers, depth, "metric")
    rows = [
        [*padded(point.path, depth), *([days.get(point.date or "")] if days else []), point.value]
        for point in sorted(points, key=order)
    ]
    return Rows.of([*names, *(["date"] if days else []), "value"], rows)


def _point(path: Path, value: Any) -> _Point:
    if isinstance(value, list):
        raise unexpected(_WHAT)
    *outer, last = path
    if outer and last == ALL:
        return _Point(tuple(outer), None, value)
    if outer and is_day(last):
        return _Point(tuple(outer), last, value)
    return _Point(path, None, value)


def _by_date(points: Sequence[_Point], days: Mapping[str, str]) -> Rows:
    """What is absent stays null: a metric may be an average, of which zero would be a lie."""
    values = {(point.path[0], point.date): point.value for point in points}
    labels = list(dict.fromkeys(point.path[0] for point in points))
    rows = [[days[date], *(values.get((label, date)) for label in labels)] for date in sorted(days)]
    return Rows.of(["date", *labels], rows)


class _Cell(NamedTuple):
    """One number of a funnel, and what it is about."""

    label: str
    segments: Path
    date: str | None
    step: str
    measure: str
    value: Any


def _funnel_rows(series: Mapping[str, Any], headers: Sequence[str]) -> Rows:
    """One row per step, of each segment and date when there are some."""
    found = [
        cell for path, value in leaves(series, lambda _: False) for cell in _cells(path, value)
    ]
    if series and not found:
        raise unexpected(_WHAT)
    if len(headers) < 2 and says_only_overall(cell.segments for cell in found):
        found = [cell._replace(segments=()) for cell in found]
    steps: dict[tuple[str, Path, str | None], dict[str, dict[str, Any]]] = {}
    for cell in found:
        of_step = steps.setdefault((cell.label, cell.segments, cell.date), {})
        of_step.setdefault(cell.step, {})[cell.measure] = cell.value
    depth = max((len(cell.segments) for cell in found), default=0)
    days = as_days(cell.date for cell in found if cell.date is not None)
    several = len({cell.label for cell in found}) > 1

    def order(group: tuple[str, Path, str | None]) -> tuple[Any, ...]:
        label, segments, date = group
        return label, overall_first(segments), segments, date or ""

    rows: list[Row] = []
    for group in sorted(steps, key=order):
        label, segments, date = group
        before: Row = [label] if several else []
        before += padded(segments, depth)
        before += [days.get(date or "")] if days else []
        rows += [[*before, *step] for step in _steps(steps[group])]
    names = level_names(headers, depth + 1, "funnel")
    first = [*(names if several else names[1:]), *(["date"] if days else [])]
    return Rows.of([*first, *STEP_COLUMNS], rows)


def _cells(path: Path, value: Any) -> list[_Cell]:
    """The number with its meaning; measures that we do not know are left out."""
    label, *keys = path
    place = next((number for number, key in enumerate(keys) if key in _MEASURES), None)
    if place is None or place + 1 >= len(keys):
        return []
    around = [key for key in (*keys[:place], *keys[place + 2 :]) if key != ALL]
    segments, date = split_date(around)
    return [_Cell(label, segments, date, keys[place + 1], keys[place], value)]


def _steps(measures: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Steps by their number, which is in their name: 10 comes after 9."""
    named = [(_STEP.fullmatch(name), name) for name in measures]
    numbered = [
        (int(match[1]) if match else place, match[2] if match else name, measures[name])
        for place, (match, name) in enumerate(named, start=1)
    ]
    numbered.sort(key=lambda step: step[0])
    return [[number, name, *map(cells.get, _MEASURES)] for number, name, cells in numbered]
