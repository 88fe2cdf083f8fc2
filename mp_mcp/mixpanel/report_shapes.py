"""The answers of `GET query/insights`: series of any depth, retention and funnels, as tables.

Never asks for anything: `saved_report.py` does.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from mp_mcp.mixpanel.answers import Number, as_number, by_date, distinct, read, unexpected
from mp_mcp.mixpanel.nesting import (
    OVERALL,
    DateLevel,
    Path,
    as_days,
    date_level,
    leaves,
    level_names,
    padded,
    says_only_overall,
)
from mp_mcp.mixpanel.report_funnels import funnel_rows, is_funnel
from mp_mcp.mixpanel.retention import cohort_rows, cohorts_of, is_counted
from mp_mcp.results import Rows

ALL = "all"
"""Stands where dates stand: one number for the whole range."""

_WHAT = "a saved report"


def _none_is_empty(value: Any) -> Any:
    return [] if value is None else value


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
    headers: Annotated[list[str], BeforeValidator(_none_is_empty)] = Field(default_factory=list)
    computed_at: str | None = None
    date_range: _Range | None = None
    meta: _Meta | None = None


_ANSWER = TypeAdapter(Answer)


def answer_of(answer: Any) -> Answer:
    """The envelope of a saved report."""
    return read(_ANSWER, answer, _WHAT)


def table_of(answer: Answer) -> Rows:
    """The series as a table: which kind of report it is, its own shape tells, or its header."""
    series, headers = answer.series, answer.headers
    if "$retention" in headers[:1] or any(
        is_counted(leaf) for _, leaf in leaves(series, is_counted)
    ):
        return _retention_rows(series, headers)
    if "$funnel" in headers[:1] or any(map(is_funnel, _nodes(series))):
        return funnel_rows(series, headers)
    return _series_rows(series, headers)


def _retention_rows(series: Mapping[str, Any], headers: Sequence[str]) -> Rows:
    cohorts = cohorts_of(series, labelled=True)
    told = [cohort for cohort in cohorts if cohort.is_told]
    if len(headers) < 2 and says_only_overall(cohort.segments[1:] for cohort in told):
        cohorts = [cohort._replace(segments=cohort.segments[:1]) for cohort in cohorts]
    depth = max((len(cohort.segments) for cohort in cohorts), default=1)
    return cohort_rows(cohorts, level_names(headers, depth, "metric"))


def _nodes(series: Mapping[str, Any]) -> Iterable[Any]:
    """What may be a funnel: what a label holds, or one level below it."""
    for node in series.values():
        yield node
        if isinstance(node, dict):
            yield from node.values()


class _Point(NamedTuple):
    path: Path
    date: str | None
    value: Any
    is_told: bool = True


def _series_rows(series: Mapping[str, Any], headers: Sequence[str]) -> Rows:
    """One column per metric over the dates; with breakdowns, one row per path and date."""
    points = _points(series, headers)
    told = [point for point in points if point.is_told]
    if len(headers) < 2 and says_only_overall(point.path[1:] for point in told):
        points = [point._replace(path=point.path[:1]) for point in points]
    depth = max((len(point.path) for point in points), default=1)
    days = as_days(point.date for point in points if point.date is not None)
    if depth == 1 and told and all(point.date for point in told):
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
    measures = [*(["date"] if days else []), "value"]
    rows = [
        [*padded(point.path, depth), *([days.get(point.date or "")] if days else []), point.value]
        for point in sorted(points, key=order)
    ]
    return Rows.of([*distinct(names, measures), *measures], rows)


def _points(series: Mapping[str, Any], headers: Sequence[str]) -> list[_Point]:
    """Every number with its segments and its date; what has no number yet is kept by its name."""
    found = list(leaves(series, lambda _: False))
    told = [path for path, leaf in found if leaf != {}]
    siblings = Counter(path[:-1] for path in told)
    wholes = {path for path in told if len(path) > 1 and _is_whole(path, siblings)}
    dated = [path for path in told if path not in wholes]
    deepest = max(map(len, told), default=0)
    level = date_level([path[1:] for path in dated], innermost=True)
    if len(headers) > 1 and deepest <= len(headers):
        # All levels have a name, so the innermost one is a breakdown, by days.
        level = DateLevel(None, 0)
    points = []
    for path, leaf in found:
        segments, date = level.split(path[1:])
        if leaf == {}:
            points.append(_Point(path, None, None, is_told=False))
        elif path in wholes:
            points.append(_Point(path[:-1], None, _cell(leaf)))
        else:
            points.append(_Point((path[0], *segments), date, _cell(leaf)))
    return points


def _is_whole(path: Path, siblings: Mapping[Path, int]) -> bool:
    """Whether it is the number of the whole range, and no segment of that name among others."""
    return path[-1] == ALL and siblings[path[:-1]] == 1


def _cell(value: Any) -> Any:
    """A number, or the text that a report about texts shows."""
    if isinstance(value, list):
        raise unexpected(_WHAT)
    with suppress(ValueError):
        return as_number(value)
    return value


def _by_date(points: Sequence[_Point], days: Mapping[str, str]) -> Rows:
    """What is absent stays null: a metric may be an average, of which zero would be a lie."""
    values = {(point.path[0], point.date): point.value for point in points}
    labels = list(dict.fromkeys(point.path[0] for point in points))
    rows = [[days[date], *(values.get((label, date)) for label in labels)] for date in sorted(days)]
    return Rows.of(by_date(labels), rows)
