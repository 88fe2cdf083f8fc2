"""A series as sparklines: a line per name, from zero to the most of all lines.

Never scales one line against itself where there are several: they would lie about each other. Never
draws two times beside each other that are not: what is missing is a gap, or nothing is drawn.
"""

from mp_mcp.charts.shape import Series
from mp_mcp.front import human
from mp_mcp.front.cells import cut, left, right, width_of
from mp_mcp.front.chart.blocks import spark, squeezed
from mp_mcp.front.screen import Screen
from mp_mcp.front.talk import printable

WIDEST_NAME = 24
MOST_LINES = 12
TWICE = 2
NO_LINE = "no line: times are missing or uneven; a picture shows where"


def drawn(series: Series, screen: Screen, width: int) -> str:
    """A line per name with its least, most and last value; the times below."""
    shown = series.lines[:MOST_LINES]
    known = [[value for value in values if value is not None] for _, values in shown]
    most = max((value for values in known for value in values), default=0)
    notes = _notes(known)
    names = [printable(name) for name, _ in shown]
    room = min(max(map(width_of, names)), WIDEST_NAME, width // 3)
    space = max(8, width - room - max(map(width_of, notes)) - 4)
    cells = _cells(series, space)
    # Short series are easier to read at two cells per value.
    wide = TWICE if len(cells) * TWICE <= space else 1
    lines = []
    for name, (_, values), note in zip(names, shown, notes, strict=True):
        placed = [None if row is None else values[row] for row in cells]
        drawing = "".join(c * wide for c in spark(squeezed(placed, space), most))
        drawing = screen.ink(drawing, "blue") + "  " if cells else ""
        lines.append(f"{left(cut(name, room), room)}  {drawing}{note}")
    lines.append(" " * (room + 2) + _ends(series.times, min(len(cells) * wide, space)))
    lines += [] if cells else [NO_LINE]
    if len(series.lines) > MOST_LINES:
        lines.append(f"{len(series.lines) - MOST_LINES} more lines are only in the table")
    return "\n".join(line.rstrip() for line in lines)


def _cells(series: Series, space: int) -> list[int | None]:
    """The row of each step, None where one is missing; nothing where that cannot be drawn."""
    scale = series.scale
    if not scale.has_gaps():
        return [*range(len(series.times))] if scale.is_regular else []
    if scale.places[-1] >= space:
        return []
    rows = {round(place): row for row, place in enumerate(scale.places)}
    return [rows.get(cell) for cell in range(max(rows) + 1)]


def _notes(lines: list[list[float]]) -> list[str]:
    """Numbers of all lines under each other."""
    numbers = [
        [human.number(value) for value in (min(values), max(values), values[-1])] if values else []
        for values in lines
    ]
    rooms = [max((len(row[place]) for row in numbers if row), default=0) for place in range(3)]
    words = ("least", "most", "last")
    return [
        "  ".join(f"{w} {right(n, room)}" for w, n, room in zip(words, row, rooms, strict=True))
        if row
        else "no values"
        for row in numbers
    ]


def _ends(times: list[str], width: int) -> str:
    first, last = (human.day(printable(time)) for time in (times[0], times[-1]))
    if width_of(first) + width_of(last) + 2 > width:
        return f"{first} to {last}"
    return first + right(last, width - width_of(first))
