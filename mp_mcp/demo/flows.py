"""The ways that people take around some events: what they do before, between and after them.

Never formats an answer.

A way begins with each person's first anchor, or with each anchor when all are counted. Further
anchors are the earliest later ones. What is too far from the first anchor in time is no part of it.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from mp_mcp.demo.counted import Row, Selection

DROPOFF = "DROPOFF"
PRUNED = "PRUNED"
ANCHOR = "ANCHOR"


class Stop(NamedTuple):
    """One event of a way, or its end."""

    event: str
    kind: str


class Anchor(NamedTuple):
    """An event around which ways are shown, and how many others before and after it."""

    selection: Selection
    event: str
    forward: int
    reverse: int


@dataclass(frozen=True)
class Flow:
    """What is asked about ways."""

    first: date
    last: date
    anchors: tuple[Anchor, ...]
    window_s: int
    cardinality: int
    """How many different events are told apart at each step."""
    every_anchor: bool = False
    collapse_repeated: bool = False
    hidden: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


class Way(NamedTuple):
    """What happened around one anchor."""

    level: int
    """The step at which it begins; all first anchors are at the same step."""
    stops: tuple[Stop, ...]
    converted: bool


def ways(flow: Flow, rows: Iterable[Row]) -> list[Way]:
    """Every way of every person."""
    people: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.name not in flow.hidden:
            people[row.user].append(row)
    found: list[Way] = []
    for rows_of_one in people.values():
        history = sorted(rows_of_one, key=lambda row: row.at)
        if flow.collapse_repeated:
            pairs = zip([None, *history], history, strict=False)
            history = [row for last, row in pairs if last is None or last.name != row.name]
        found.extend(_ways_of(flow, history))
    return found


def _ways_of(flow: Flow, history: Sequence[Row]) -> Iterator[Way]:
    for number, row in enumerate(history):
        inside = flow.first <= row.moment.date() <= flow.last
        if inside and flow.anchors[0].selection.takes(row):
            way = _way(flow, history, number)
            if not flow.excluded & {stop.event for stop in way.stops}:
                yield way
            if not flow.every_anchor:
                return


def _way(flow: Flow, history: Sequence[Row], start: int) -> Way:
    window_ms = flow.window_s * 1000
    times = [row.at for row in history]
    earliest = bisect_left(times, times[start] - window_ms)
    end = bisect_left(times, times[start] + window_ms + 1)
    reverse = flow.anchors[0].reverse
    before = history[max(earliest, start - reverse) : start]
    stops = [Stop(row.name, "REVERSE") for row in before]
    at: int | None = start
    reached = 0
    missing = 0
    while at is not None:
        anchor, *others = flow.anchors[reached:]
        reached += 1
        found = _find(others[0], history, at + 1, end) if others else None
        between = history[at + 1 : end if found is None else found][: anchor.forward]
        stops.append(Stop(anchor.event, ANCHOR))
        stops.extend(Stop(row.name, "NORMAL") for row in between)
        missing = anchor.forward - len(between)
        at = found
    whole = reached == len(flow.anchors)
    if missing or not whole:
        stops.append(Stop(DROPOFF, DROPOFF))
    converted = whole and (reached > 1 or not missing)
    return Way(reverse - len(before), tuple(stops), converted)


def _find(anchor: Anchor, history: Sequence[Row], start: int, end: int) -> int | None:
    takes = anchor.selection.takes
    return next((at for at in range(start, end) if takes(history[at])), None)


def pruned(flow: Flow, found: Sequence[Way]) -> list[Way]:
    """The ways with the rarer events of each step taken together."""
    sizes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for way in found:
        for level, stop in enumerate(way.stops, way.level):
            sizes[level][stop.event] += stop.kind not in (ANCHOR, DROPOFF)
    kept = {
        level: {name for name, _ in _biggest(counts)[: flow.cardinality]}
        for level, counts in sizes.items()
    }

    def prune(level: int, stop: Stop) -> Stop:
        keep = stop.kind in (ANCHOR, DROPOFF) or stop.event in kept[level]
        return stop if keep else Stop(PRUNED, PRUNED)

    return [
        way._replace(stops=tuple(prune(n, stop) for n, stop in enumerate(way.stops, way.level)))
        for way in found
    ]


def _biggest(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
