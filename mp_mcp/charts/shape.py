"""Which chart an answer is: a series, bars, a heatmap or steps.

Never draws, and never knows a tool: the columns of an answer say what it is. Standard library only.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mp_mcp.charts.times import Scale

DAY = ("date", "day", "week", "month", "year", "hour", "time")
WHOLE = "$overall"


class Series(NamedTuple):
    """Lines over time; a place without a value is None."""

    times: list[str]
    lines: list[tuple[str, list[float | None]]]

    @property
    def scale(self) -> "Scale":
        """Where the times lie. Raises: ValueError when they are none."""
        # Most answers are no series, and `mp` pays for every import.
        from mp_mcp.charts.times import scale_of

        return scale_of(self.times)


class Bars(NamedTuple):
    """One number per name."""

    measure: str
    names: list[str]
    values: list[float]


class Heat(NamedTuple):
    """Shares of 0 to 1 of groups, in the periods after each began; None has not begun."""

    title: str
    periods: list[str]
    groups: list[tuple[str, int, list[float | None]]]


class Step(NamedTuple):
    """How many came this far, as a count and as a share of those who began."""

    name: str
    users: int
    share: float
    of_previous: float


class Steps(NamedTuple):
    """A funnel for everybody, or one for each segment."""

    funnels: list[tuple[str, list[Step]]]


Shape = Series | Bars | Heat | Steps


def shape_of(result: Mapping[str, Any]) -> Shape | None:
    """The chart of an answer, None when it is none."""
    columns, rows = result.get("columns"), result.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list) or not rows:
        return None
    if {"step", "event", "count", "overall_conv_ratio"} <= {*columns}:
        return _steps(columns, rows)
    if {"date", "users", "rate_0"} <= {*columns}:
        return _retention(columns, rows)
    if columns[:2] == ["date", "at_least_1"]:
        return _frequency(rows)
    if len(columns) < 2 or not all(_is_numeric(cells) for cells in _cells(columns, rows)):
        return _first_bars(columns, rows) if "types" not in result else None
    if not all(isinstance(row[0], str) for row in rows):
        return None
    return _named(columns, rows)


def _named(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Shape | None:
    """Numbers by time where the first column is one, or else by name."""
    names = [row[0] for row in rows]
    if (columns[0].lower() in DAY or _are_times(names)) and not _is_ranking(rows):
        if len(rows) < 2 or len({*names}) < len(names):
            return None
        series = _series(columns, rows)
        if series is not None:
            return series
    return _bars(columns[1], rows) if len(columns) == 2 else _first_bars(columns, rows)


def _series(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Series | None:
    # SQL gives rows in any order.
    ordered = sorted(rows, key=lambda row: str(row[0]))
    times = [str(row[0]) for row in ordered]
    lines = [(name, [row[i] for row in ordered]) for i, name in enumerate(columns) if i]
    series = Series(times, lines)
    try:
        series.scale  # noqa: B018 - names of weekdays have none
    except ValueError:
        return None
    return series


def _is_ranking(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the rows are in the order of their numbers and not of their times: the top days."""
    times = [str(row[0]) for row in rows]
    if times in (sorted(times), sorted(times, reverse=True)):
        return False
    return any(_falls_or_rises([row[i] for row in rows]) for i in range(1, len(rows[0])))


def _falls_or_rises(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    pairs = [*pairwise(known)]
    down, up = (all(a >= b for a, b in pairs), all(a <= b for a, b in pairs))
    return down != up


def _bars(measure: str, rows: Sequence[Sequence[Any]]) -> Bars | None:
    known = [(str(row[0]), row[1]) for row in rows if row[1] is not None]
    if len(known) < 2 or min(value for _, value in known) < 0:
        return None
    return Bars(measure, [name for name, _ in known], [value for _, value in known])


def _first_bars(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Bars | None:
    """Names and their count, whatever stands beside it."""
    if "count" not in columns or columns[0] == "count":
        return None
    place = list(columns).index("count")
    found = [(row[0], row[place]) for row in rows]
    if not all(isinstance(name, str) and _is_count(value) for name, value in found):
        return None
    return _bars("count", found)


def _retention(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Heat:
    places = [place for place, name in enumerate(columns) if name.startswith("rate_")]
    periods = [columns[place].removeprefix("rate_") for place in places]
    date, users = list(columns).index("date"), list(columns).index("users")
    # A saved report may hold several metrics, and adds their averages.
    metrics = [row[columns.index("metric")] if "metric" in columns else "" for row in rows]
    several = len({*metrics}) > 1
    groups = [
        (
            f"{metric} {row[date]}" if several else str(row[date]),
            round(row[users] or 0),
            [row[place] for place in places],
        )
        for metric, row in zip(metrics, rows, strict=True)
    ]
    return Heat("share that came back, by periods since", periods, groups)


def _frequency(rows: Sequence[Sequence[Any]]) -> Heat:
    most = max(
        (place for row in rows for place, count in enumerate(row) if place and count), default=1
    )
    groups: list[tuple[str, int, list[float | None]]] = []
    for row in rows:
        users = row[1] or 0
        groups.append(
            (str(row[0]), users, [n / users if users else None for n in row[1 : most + 1]])
        )
    return Heat("share active in at least so many", [str(n) for n in range(1, most + 1)], groups)


def _steps(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Steps:
    funnels: dict[str, list[Step]] = {}
    for row in rows:
        found = dict(zip(columns, row, strict=True))
        step = Step(
            str(found["event"]),
            int(found["count"] or 0),
            float(found["overall_conv_ratio"] or 0),
            float(found.get("step_conv_ratio") or 0),
        )
        funnels.setdefault(str(found.get("segment") or WHOLE), []).append(step)
    return Steps(list(funnels.items()))


def _cells(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    return ([row[place] for row in rows] for place in range(1, len(columns)))


def _is_numeric(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(map(_is_count, known))


def _is_count(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _are_times(names: Sequence[str]) -> bool:
    return all(len(name) >= 7 and name[:4].isdecimal() and name[4] == "-" for name in names)
