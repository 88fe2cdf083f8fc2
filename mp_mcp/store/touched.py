"""Which days a query is about: the dates that it compares `day` or `time` with.

Never runs SQL and never guesses: an end that no comparison names is open.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from mp_mcp.store.parser import Node

_COLUMNS = frozenset(("day", "time", "time_utc"))
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?(.*)", re.DOTALL)
_MIRRORED = {
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
}


class Touched(NamedTuple):
    """The first and the last day; None is an open end."""

    first: date | None = None
    last: date | None = None


class _Bound(NamedTuple):
    day: date
    is_midnight: bool


def touched_days(tree: Node) -> Touched:
    """The days from the earliest lower bound to the latest upper one, wherever they stand."""
    firsts: list[date] = []
    lasts: list[date] = []
    for kind, bound in _bounds(tree):
        if kind in ("COMPARE_EQUAL", "COMPARE_GREATERTHAN", "COMPARE_GREATERTHANOREQUALTO"):
            firsts.append(bound.day)
        if kind in ("COMPARE_EQUAL", "COMPARE_LESSTHANOREQUALTO"):
            lasts.append(bound.day)
        elif kind == "COMPARE_LESSTHAN":
            # Before midnight means the day before.
            lasts.append(bound.day - timedelta(days=1 if bound.is_midnight else 0))
    return Touched(min(firsts, default=None), max(lasts, default=None))


def _bounds(tree: Node) -> Iterator[tuple[str, _Bound]]:
    for node in _below(tree):
        if node.get("type") == "COMPARE_BETWEEN":
            yield from _of_between(node)
        elif node.get("type") == "COMPARE_IN":
            yield from _of_list(node)
        elif node.get("class") == "COMPARISON":
            yield from _of_comparison(node)


def _of_between(node: Node) -> Iterator[tuple[str, _Bound]]:
    if _is_about_days(node.get("input")):
        yield from _bound("COMPARE_GREATERTHANOREQUALTO", node.get("lower"))
        yield from _bound("COMPARE_LESSTHANOREQUALTO", node.get("upper"))


def _of_list(node: Node) -> Iterator[tuple[str, _Bound]]:
    first, *others = node.get("children") or [None]
    if _is_about_days(first):
        for other in others:
            yield from _bound("COMPARE_EQUAL", other)


def _of_comparison(node: Node) -> Iterator[tuple[str, _Bound]]:
    kind = str(node["type"])
    if _is_about_days(node.get("left")):
        yield from _bound(kind, node.get("right"))
    elif _is_about_days(node.get("right")):
        yield from _bound(_MIRRORED.get(kind, kind), node.get("left"))


def _bound(kind: str, value: object) -> Iterator[tuple[str, _Bound]]:
    """The date that a constant says, if it is one."""
    while isinstance(value, dict) and value.get("class") == "CAST":
        value = value.get("child")
    literal = value.get("literal") if isinstance(value, dict) else None
    found = _DATE.fullmatch(str(literal.get("text"))) if isinstance(literal, dict) else None
    if found is not None:
        try:
            yield kind, _Bound(date.fromisoformat(found[1]), not found[2])
        except ValueError:
            return


def _is_about_days(value: object) -> bool:
    return any(
        str(names[-1]).lower() in _COLUMNS
        for node in _below(value)
        if node.get("class") == "COLUMN_REF" and (names := node.get("column_names"))
    )


def _below(value: object) -> Iterator[Node]:
    # A list, not recursion: a statement can be nested deeper than Python's stack.
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            yield found
            pending.extend(found.values())
        elif isinstance(found, list):
            pending.extend(found)
