"""The series of reports about people: funnels and retention, by breakdown.

Never counts events.

Both are broken down by the event with which a person begins, so rows stand for people here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from statistics import fmean
from typing import Any

from mp_mcp.demo.counted import Row
from mp_mcp.demo.funnels import StepResult, asked_attempts, best_attempts, step_results
from mp_mcp.demo.periods import start_of
from mp_mcp.demo.report_metrics import OVERALL, Breakdown, Tree
from mp_mcp.demo.report_series import Series, zoned
from mp_mcp.demo.reports import Report, event_label, read_funnel, read_retention
from mp_mcp.demo.retention import Retention, asked_cohorts, sizes_of, with_rates
from mp_mcp.demo.wire import Call

AVERAGE = "$average"


def funnel_series(call: Call, report: Report, limit: int) -> Series:
    """The steps of a funnel: over the whole range, or by date when it is drawn as lines."""
    funnel = read_funnel(report.behavior, report.where)
    found = {id(one.entry): one for one in asked_attempts(call, funnel, report.first, report.last)}
    names = [f"{number}. {step.label}" for number, step in enumerate(funnel.steps, 1)]
    by_date = report.chart == "line"

    def group(entry: Row) -> datetime | None:
        return start_of(entry.moment, report.unit) if by_date else None

    def leaf(entries: Sequence[Row]) -> Tree:
        groups = best_attempts((found[id(entry)] for entry in entries), group)
        if by_date:
            return {
                zoned(start, call.project.zone): _step_tree(names, step_results(funnel, counted))
                for start, counted in sorted(groups.items())
            }
        return _step_tree(names, step_results(funnel, groups.get(None, [])))

    breakdown = Breakdown(report.groups, limit)
    tree = breakdown.tree([attempt.entry for attempt in found.values()], leaf)
    label = f"{funnel.steps[0].label} through {funnel.steps[-1].label}"
    return Series("$funnel", {label: tree}, breakdown.limit_hit)


def _step_tree(names: Sequence[str], results: Sequence[StepResult]) -> Tree:
    read: dict[str, Callable[[StepResult], Any]] = {
        "count": lambda result: result.people,
        "step_conv_ratio": lambda result: result.step_ratio,
        "overall_conv_ratio": lambda result: result.overall_ratio,
        "avg_time": lambda result: result.time_s,
        "avg_time_from_start": lambda result: result.time_from_start_s,
    }
    return {
        kind: {name: {"all": of(result)} for name, result in zip(names, results, strict=True)}
        for kind, of in read.items()
    }


def retention_series(call: Call, report: Report, limit: int) -> Series:
    """The cohorts of a retention; either segments hold dates, or dates hold segments."""
    asked = read_retention(report)
    people = asked_cohorts(call, asked)
    found = {id(life.birth): life for members in people.values() for life in members}
    births = [life.birth for life in found.values()]
    keys = {cohort: zoned(cohort, call.project.zone) for cohort in people}
    dates_outside = call.world.switches.retention_nesting == "date"

    def leaf(rows: Sequence[Row]) -> Tree:
        members = [found[id(row)] for row in rows]
        sizes = {
            key: with_rates(sizes_of(asked, [life for life in members if life.cohort == cohort]))
            for cohort, key in keys.items()
        }
        return sizes if dates_outside else {**sizes, AVERAGE: _average(asked, list(sizes.values()))}

    breakdown = Breakdown(report.groups, limit)
    tree = breakdown.tree(births, leaf)
    if dates_outside:
        segments = tree if report.groups else {OVERALL: tree}
        tree = {key: _at_date(segments, key) for key in keys.values()}
    born, back = report.behavior["behaviors"]
    label = f"{event_label(born)} and then {event_label(back)}"
    return Series("$retention", {label: tree}, breakdown.limit_hit)


def _average(asked: Retention, sizes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean cohort."""
    buckets = range(len(asked.bounds))
    counts = [fmean(one["counts"][bucket] for one in sizes) for bucket in buckets]
    return with_rates({"first": fmean(one["first"] for one in sizes), "counts": counts})


def _at_date(segments: Tree, key: str) -> Tree:
    """What each segment has at one date."""
    return {
        name: below[key] if key in below else _at_date(below, key)
        for name, below in segments.items()
    }
