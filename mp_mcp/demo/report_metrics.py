"""The numbers of an insights report: measures of rows, by breakdown and by period.

Never formats an answer: what it gives is the tree of numbers that one metric of a report is.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, fsum
from statistics import fmean, median
from typing import Any

from mp_mcp.demo.counted import Row
from mp_mcp.demo.expressions import Expression, Subject, compile_expression
from mp_mcp.demo.values import UNDEFINED, is_number, text_of

OVERALL = "$overall"
Measure = Callable[[Sequence[Row]], Any]
Tree = dict[str, Any]


def measure_of(measurement: Mapping[str, Any]) -> tuple[Measure, str]:
    """How rows become a number, and what that number is called; ValueError for what is unknown."""
    math = measurement["math"]
    prop = measurement.get("property")
    if measurement.get("perUserAggregation"):
        raise ValueError("per user aggregation is not simulated")
    if prop is None:
        return _COUNTS[math]
    name = str(prop["name"])
    reduce, title = _REDUCTIONS[math]
    return (lambda rows: reduce(_numbers(rows, name))), f"{title} of {name}"


def _numbers(rows: Sequence[Row], name: str) -> list[float]:
    values = (row.event.properties.get(name, UNDEFINED) for row in rows)
    return [value for value in values if is_number(value)]


def _users(rows: Sequence[Row]) -> int:
    return len({row.user for row in rows})


def _percentile(share: float) -> Callable[[list[float]], float | None]:
    """The smallest number that is not below so many of the others."""

    def of(numbers: list[float]) -> float | None:
        return sorted(numbers)[ceil(share * len(numbers)) - 1] if numbers else None

    return of


_COUNTS: dict[str, tuple[Measure, str]] = {
    "total": (len, "Total Events"),
    "unique": (_users, "Unique Users"),
    "dau": (_users, "DAU"),
}
_REDUCTIONS: dict[str, tuple[Callable[[list[float]], Any], str]] = {
    "total": (fsum, "Sum"),
    "average": (lambda numbers: fmean(numbers) if numbers else None, "Average"),
    "median": (lambda numbers: median(numbers) if numbers else None, "Median"),
    "min": (lambda numbers: min(numbers, default=None), "Minimum"),
    "max": (lambda numbers: max(numbers, default=None), "Maximum"),
    "unique_values": (lambda numbers: len(set(numbers)), "Unique Values"),
    "p25": (_percentile(0.25), "25th Percentile"),
    "p75": (_percentile(0.75), "75th Percentile"),
    "p90": (_percentile(0.90), "90th Percentile"),
    "p99": (_percentile(0.99), "99th Percentile"),
}


@dataclass
class Breakdown:
    """How rows are split; it remembers whether a split had too many parts."""

    groups: tuple[tuple[str, Expression], ...]
    limit: int
    limit_hit: bool = False

    def tree(self, rows: Sequence[Row], leaf: Callable[[Sequence[Row]], Tree]) -> Tree:
        """A leaf for all rows, and for each value of each breakdown within the one before."""
        return self._tree(rows, leaf, 0)

    def _tree(self, rows: Sequence[Row], leaf: Callable[[Sequence[Row]], Tree], level: int) -> Tree:
        if level == len(self.groups):
            return leaf(rows)
        parts = self.parts(rows, level)
        below = {value: self._tree(part, leaf, level + 1) for value, part in parts.items()}
        return {OVERALL: leaf(rows), **below}

    def parts(self, rows: Sequence[Row], level: int = 0) -> dict[str, list[Row]]:
        """The rows of each value, of the biggest values only."""
        read = self.groups[level][1]
        parts: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            parts[text_of(read(row.subject))].append(row)
        top = sorted(parts, key=lambda value: -len(parts[value]))
        self.limit_hit |= len(top) > self.limit
        return {value: parts[value] for value in top[: self.limit]}


def formula_tree(definition: str, trees: Mapping[str, Tree]) -> Tree:
    """What a formula makes of metrics, which it names by letters; nothing of a division by 0."""
    text = re.sub(r"\b([A-Z])\b", r'properties["\1"]', definition)
    return _combined(compile_expression(text), trees)


def _combined(formula: Expression, trees: Mapping[str, Any]) -> Tree:
    keys = {key: None for tree in trees.values() for key in tree}
    combined: Tree = {}
    for key in keys:
        parts = {letter: tree.get(key, 0) for letter, tree in trees.items()}
        if any(isinstance(part, dict) for part in parts.values()):
            below = {name: part if isinstance(part, dict) else {} for name, part in parts.items()}
            combined[key] = _combined(formula, below)
        else:
            value = formula(Subject({name: part or 0 for name, part in parts.items()}))
            combined[key] = None if value is UNDEFINED else value
    return combined
