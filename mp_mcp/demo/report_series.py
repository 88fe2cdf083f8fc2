"""The series of an insights report: its metrics and formulas, by breakdown and date.

Never knows funnels or retention.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple

from mp_mcp.demo.counted import Row, counted_rows, midnight
from mp_mcp.demo.periods import start_of, starts_between
from mp_mcp.demo.report_metrics import Breakdown, Measure, Tree, formula_tree, measure_of
from mp_mcp.demo.reports import TOTAL_CHARTS, Report, event_label, event_selection
from mp_mcp.demo.wire import Call

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Series(NamedTuple):
    """What a report shows."""

    header: str
    """What the outermost keys are."""
    tree: Tree
    limit_hit: bool


def insights_series(call: Call, report: Report, limit: int) -> Series:
    """Every visible metric of a report, by its label."""
    breakdown = Breakdown(report.groups, limit)
    trees: dict[str, Tree] = {}
    shown: dict[str, Tree] = {}
    labels = _labels(report.show)
    for letter, label, entry in zip(LETTERS, labels, report.show, strict=False):
        if entry["type"] == "formula":
            tree = formula_tree(entry["definition"], trees)
        else:
            tree = trees[letter] = _metric_tree(call, report, entry, breakdown)
        if not entry.get("isHidden"):
            shown[label] = tree
    return Series("$metric", shown, breakdown.limit_hit)


def _labels(show: Sequence[Mapping[str, Any]]) -> list[str]:
    """How metrics are called; the same one twice is told apart by its letter."""
    labels = [_label(entry) for entry in show]
    often = Counter(labels)
    return [
        f"{letter}. {label}" if often[label] > 1 else label
        for letter, label in zip(LETTERS, labels, strict=False)
    ]


def _label(entry: Mapping[str, Any]) -> str:
    if entry["type"] == "formula":
        return str(entry.get("name") or f"Formula [{entry['definition']}]")
    return f"{event_label(entry['behavior'])} [{measure_of(entry['measurement'])[1]}]"


def _metric_tree(
    call: Call, report: Report, entry: Mapping[str, Any], breakdown: Breakdown
) -> Tree:
    wanted = event_selection(entry["behavior"], report.where)
    rows = list(counted_rows(call, report.first, report.last, wanted))
    measure = measure_of(entry["measurement"])[0]
    return breakdown.tree(rows, _leaf(report, measure, call.project.zone))


def _leaf(report: Report, measure: Measure, zone: tzinfo) -> Callable[[Sequence[Row]], Tree]:
    if report.chart in TOTAL_CHARTS:
        return lambda rows: {"all": measure(rows)}
    last = datetime.combine(report.last, time(23, 59))
    periods = list(starts_between(midnight(report.first), last, report.unit))

    def by_period(rows: Sequence[Row]) -> Tree:
        parts: defaultdict[datetime, list[Row]] = defaultdict(list)
        for row in rows:
            parts[start_of(row.moment, report.unit)].append(row)
        return {zoned(period, zone): measure(parts.get(period, ())) for period in periods}

    return by_period


def zoned(moment: datetime, zone: tzinfo) -> str:
    """The key of a date in reports, which has an offset."""
    return moment.replace(tzinfo=zone).isoformat()


def key_of_moment(day: date, zone: tzinfo, *, end: bool = False) -> str:
    """The first or the last moment of a day, as reports write it."""
    return zoned(datetime.combine(day, time(23, 59, 59, 999000) if end else time()), zone)
