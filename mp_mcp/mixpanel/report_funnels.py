"""Funnels as `GET query/insights` answers them: one number per measure, step and segment.

Never reads the answers of `GET query/funnels`: `funnels.py` does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from mp_mcp.mixpanel.answers import NumberIfAny, distinct, read, unexpected
from mp_mcp.mixpanel.funnels import STEP_COLUMNS
from mp_mcp.mixpanel.nesting import (
    Path,
    as_days,
    date_level,
    leaves,
    level_names,
    overall_first,
    padded,
    says_only_overall,
)
from mp_mcp.results import Row, Rows

_ALL = "all"
_MEASURES = STEP_COLUMNS[2:]
_STEP = re.compile(r"(\d+)\.\s+(.*)", re.DOTALL)
_NUMBER: TypeAdapter[Any] = TypeAdapter(NumberIfAny)
_WHAT = "a saved report"


def is_funnel(node: Any) -> bool:
    """Whether this holds the measures of one funnel, in an answer that may be about anything."""
    return _holds_measures(node) and "step_conv_ratio" in node


def _holds_measures(node: Any) -> bool:
    """Measures are objects of steps; a segment that is named like one holds measures itself."""
    if not isinstance(node, dict) or not isinstance(node.get("count"), dict):
        return False
    return not isinstance(node["count"].get("count"), dict)


class _Cell(NamedTuple):
    """One number of a funnel, and what it is about."""

    label: str
    around: Path
    step: str
    measure: str
    value: Any


class _Group(NamedTuple):
    """What several steps are about."""

    label: str
    segments: Path
    date: str | None


def funnel_rows(series: Mapping[str, Any], headers: Sequence[str]) -> Rows:
    """One row per step, of each segment and date when there are some."""
    steps = _grouped(_cells(series), headers)
    depth = max((len(group.segments) for group in steps), default=0)
    days = as_days(group.date for group in steps if group.date is not None)
    several = len({group.label for group in steps}) > 1

    def order(group: _Group) -> tuple[Any, ...]:
        return group.label, overall_first(group.segments), group.segments, group.date or ""

    rows: list[Row] = []
    for group in sorted(steps, key=order):
        before: Row = [group.label] if several else []
        before += padded(group.segments, depth)
        before += [days.get(group.date or "")] if days else []
        rows += [[*before, *step] for step in _steps(steps[group])]
    names = level_names(headers, depth + 1, "funnel")
    measures = [*(["date"] if days else []), *STEP_COLUMNS]
    return Rows.of([*distinct(names if several else names[1:], measures), *measures], rows)


def _grouped(
    cells: Sequence[_Cell], headers: Sequence[str]
) -> dict[_Group, dict[str, dict[str, Any]]]:
    """Measures by step, by what they are about."""
    level = date_level(cell.around for cell in cells)
    found = [(cell, *level.split(cell.around)) for cell in cells]
    is_whole = len(headers) < 2 and says_only_overall(segments for _, segments, _ in found)
    groups: dict[_Group, dict[str, dict[str, Any]]] = {}
    for cell, segments, date in found:
        steps = groups.setdefault(_Group(cell.label, () if is_whole else segments, date), {})
        steps.setdefault(cell.step, {})[cell.measure] = read(_NUMBER, cell.value, _WHAT)
    return groups


def _cells(series: Mapping[str, Any]) -> list[_Cell]:
    """The numbers with their meaning; measures that we do not know are left out."""
    found: list[_Cell] = []
    strange = False
    for path, node in leaves(series, _holds_measures):
        if _holds_measures(node):
            found += _cells_of(path, node)
        else:
            strange = strange or node not in ({}, [], None)
    # Without users there may be no numbers, but there is nothing else either.
    if strange and not found:
        raise unexpected(_WHAT)
    return found


def _cells_of(path: Path, node: Mapping[str, Any]) -> Iterator[_Cell]:
    label, *around = path
    for measure in _MEASURES:
        steps = node.get(measure)
        for (step, *below), value in leaves(steps, lambda _: False) if steps else ():
            if value == {}:
                continue
            # The one number of the whole range; a segment of that name has siblings.
            if below and below[-1] == _ALL and len(_at(steps, [step, *below[:-1]])) == 1:
                below.pop()
            yield _Cell(label, (*around, *below), step, measure, value)


def _at(node: Any, keys: Sequence[str]) -> Any:
    """What the keys lead to."""
    for key in keys:
        node = node[key]
    return node


def _steps(measures: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Steps by their number, which is in their name: 10 comes after 9."""
    named = [(_STEP.fullmatch(name), name) for name in measures]
    numbered = [
        (int(match[1]) if match else place, match[2] if match else name, measures[name])
        for place, (match, name) in enumerate(named, start=1)
    ]
    numbered.sort(key=lambda step: step[0])
    return [[number, name, *map(cells.get, _MEASURES)] for number, name, cells in numbered]
