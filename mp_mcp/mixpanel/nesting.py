"""Nested answers made flat: which keys lead to which leaf, and what the keys mean.

Never knows an endpoint, and never changes an answer: others may be reading the same one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mp_mcp.mixpanel.answers import is_day

Path = tuple[str, ...]

OVERALL = "$overall"
"""The segment of everybody."""

AVERAGE = "$average"
"""Stands where dates stand: the mean of all of them."""

_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00:00(?:\.0+)?(?:Z|[+-]\d\d:?\d\d)?")


def leaves(tree: Mapping[str, Any], is_leaf: Callable[[Any], bool]) -> Iterator[tuple[Path, Any]]:
    """Every leaf with the keys that lead to it, in Mixpanel's order.

    What is no object, or an empty one, is a leaf as well: the reader decides whether it knows it.
    """
    # A stack of our own: an answer may be nested deeper than Python's.
    waiting: list[tuple[Path, Any]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict) and node and not (path and is_leaf(node)):
            waiting.extend(((*path, key), child) for key, child in reversed(node.items()))
        elif path:
            yield path, node


class DateLevel(NamedTuple):
    """Which level of an answer's paths holds the dates; a negative place counts from the inside."""

    place: int | None
    least_depth: int

    def split(self, path: Path) -> tuple[Path, str | None]:
        """The segments of a path, and its date; None where it has none at that level."""
        place = self.place
        if place is None or len(path) < (self.least_depth if place < 0 else place + 1):
            return path, None
        place %= len(path)
        if not _is_date(path[place]):
            return path, None
        return (*path[:place], *path[place + 1 :]), path[place]


def date_level(paths: Iterable[Path], *, innermost: bool = False) -> DateLevel:
    """Where the dates are in paths that lead to something: outside, inside, or between segments.

    A level is one of dates only if all of its keys are: a segment may be named like a date. When
    there are two such levels it is the one with an average, else the outer one; `innermost`
    accepts no other than the last.
    """
    known = [path for path in paths if path]
    least = min(map(len, known), default=0)
    places = [-1] if innermost else [0, -1, *range(1, least - 1)]
    dated = [place for place in places if known and all(_is_date(path[place]) for path in known)]
    averaged = [place for place in dated if any(path[place] == AVERAGE for path in known)]
    return DateLevel(next(iter(averaged or dated), None), max(1, least))


def _is_date(key: str) -> bool:
    return key == AVERAGE or is_day(key)


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
