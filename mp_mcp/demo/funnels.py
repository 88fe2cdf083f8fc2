"""Who went how far through a funnel, and how long it took them.

Never formats an answer.

An attempt begins with an event of the first step; of each further step the earliest event counts
that is later than the one before and within the window. A person counts once per group (such as a
bucket of time) with the attempt that went furthest, of equals the earliest.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import Any, NamedTuple

from mp_mcp.demo.counted import Row, Selection, counted_rows, either
from mp_mcp.demo.wire import Call

SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
}
MOST_WINDOW_S = 90 * SECONDS["day"]


class Step(NamedTuple):
    """One step of a funnel."""

    selection: Selection
    event: str
    """The name of its event, or the id of a custom event."""
    label: str
    custom_event_id: int | None = None


@dataclass(frozen=True)
class Funnel:
    """The steps, and within how many seconds they must be taken."""

    steps: tuple[Step, ...]
    window_s: int


class Attempt(NamedTuple):
    """One person's way through a funnel."""

    entry: Row
    times: tuple[int, ...]
    """When each step was taken that was taken, in milliseconds."""


class StepResult(NamedTuple):
    """What is known of one step."""

    people: int
    step_ratio: float
    overall_ratio: float
    time_s: int | None
    """Mean since the step before, of those who took this one."""
    time_from_start_s: int | None


def asked_attempts(call: Call, funnel: Funnel, first: date, last: date) -> Iterator[Attempt]:
    """Attempts that begin within the days; conversions are looked up after them, too."""
    wanted = either(*(step.selection for step in funnel.steps))
    until = last + timedelta(seconds=funnel.window_s, days=1)
    return attempts(funnel, counted_rows(call, first, until, wanted), first, last)


def attempts(funnel: Funnel, rows: Iterable[Row], first: date, last: date) -> Iterator[Attempt]:
    """Every attempt that begins within the days; the rows may go on after them."""
    entries: defaultdict[str, list[Row]] = defaultdict(list)
    later: list[defaultdict[str, list[int]]] = [defaultdict(list) for _ in funnel.steps[1:]]
    for row in rows:
        if first <= row.moment.date() <= last and funnel.steps[0].selection.takes(row):
            entries[row.user].append(row)
        for times, step in zip(later, funnel.steps[1:], strict=True):
            if step.selection.takes(row):
                times[row.user].append(row.at)
    for user, begun in entries.items():
        steps = [sorted(times[user]) for times in later]
        for entry in begun:
            yield Attempt(entry, tuple(_way(entry.at, steps, funnel.window_s * 1000)))


def _way(begin: int, steps: Sequence[Sequence[int]], window_ms: int) -> Iterator[int]:
    now = begin
    yield now
    for times in steps:
        number = bisect_right(times, now)
        if number == len(times) or times[number] - begin > window_ms:
            return
        now = times[number]
        yield now


Group = Callable[[Row], Hashable]


def best_attempts(found: Iterable[Attempt], group: Group) -> dict[Any, list[Attempt]]:
    """The attempt by which each person counts, by group of the entry."""
    best: defaultdict[Hashable, dict[str, Attempt]] = defaultdict(dict)
    for attempt in found:
        people = best[group(attempt.entry)]
        known = people.get(attempt.entry.user)
        if known is None or _better(attempt, known):
            people[attempt.entry.user] = attempt
    return {name: list(people.values()) for name, people in best.items()}


def _better(one: Attempt, other: Attempt) -> bool:
    return (-len(one.times), one.entry.at) < (-len(other.times), other.entry.at)


def step_results(funnel: Funnel, counted: Sequence[Attempt]) -> list[StepResult]:
    """Counts, ratios and times of every step."""
    counts = [sum(len(one.times) > n for one in counted) for n in range(len(funnel.steps))]
    results = [StepResult(counts[0], 1, 1, None, None)]
    for number in range(1, len(counts)):
        there = [one.times for one in counted if len(one.times) > number]
        results.append(
            StepResult(
                counts[number],
                _ratio(counts[number], counts[number - 1]),
                _ratio(counts[number], counts[0]),
                _mean_s([times[number] - times[number - 1] for times in there]),
                _mean_s([times[number] - times[0] for times in there]),
            )
        )
    return results


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0


def _mean_s(durations_ms: list[int]) -> int | None:
    return round(fmean(durations_ms) / 1000) if durations_ms else None
