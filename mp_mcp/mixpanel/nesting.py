"""Nested answers made flat: which keys lead to which leaf, and what the keys mean.

Never knows an endpoint, and never changes an answer: others may be reading the same one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mp_mcp.mixpanel.answers import is_day

Path = tuple[str, ...]

OVERALL = "$overall"
"""The segment of everybody."""

AVERAGE = "$average"
"""Stands where dates stand: the mean of all of them."""

_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00:00(?:\.0+)?(?:Z|[+-]\d\d:?\d\d)?")


def leaves(tree: Mapping[str, Any], is_leaf: Callable[[Any], bool]) -> Iterator[tuple[Path, Any]]:
    """Every leaf with the keys that lead to it, in Mixpanel's order.

    What is no object is a leaf as well: the reader decides whether it knows it.
    """
    # A stack of our own: an answer may be nested deeper than Python's.
    waiting: list[tuple[Path, Any]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict) and not (path and is_leaf(node)):
            waiting.extend(((*path, key), child) for key, child in reversed(node.items()))
        elif path:
            yield path, node


def split_date(path: Sequence[str]) -> tuple[Path, str | None]:
    """The segments of a path, and its date: either may be outside the other."""
    for place, key in enumerate(path):
        if is_day(key) or key == AVERAGE:
            return (*path[:place], *path[place + 1 :]), key
    return tuple(path), None


def says_only_overall(segments: Iterable[Sequence[str]]) -> bool:
    """Whether these are parts of nothing: the whole, each time."""
    return all(tuple(path) == (OVERALL,) for path in segments)


def as_days(dates: Iterable[str]) -> dict[str, str]:
    """How to write each date: as its day, when every one is the midnight that begins a day."""
    known = set(dates)
    found = {key: _MIDNIGHT.fullmatch(key) for key in known}
    if all(found[key] or len(key) == len("2025-01-01") or key == AVERAGE for key in known):
        return {key: match[1] if match else key for key, match in found.items()}
    return {key: key for key in known}


def padded(path: Sequence[str], depth: int) -> list[str | None]:
    """The path as `depth` cells."""
    return [*path, *([None] * (depth - len(path)))]


def level_names(headers: Sequence[str], depth: int, first: str) -> list[str]:
    """Names of the levels of a path: the outermost is `first`, the others are breakdowns."""
    named = [header or f"segment_{place}" for place, header in enumerate(headers[1:depth], start=1)]
    return [first, *named, *(f"segment_{place}" for place in range(len(named) + 1, depth))][:depth]


def overall_first(path: Sequence[str]) -> list[bool]:
    """A sort key that puts the whole before its parts, level by level."""
    return [key != OVERALL for key in path]
