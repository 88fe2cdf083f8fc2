"""A series as sparklines: a line per name, from zero to the most of all lines.

Never scales one line against itself where there are several: they would lie about each other.
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


def drawn(series: Series, screen: Screen, width: int) -> str:
    """A line per name with its least, most and last value; the times below."""
    shown = series.lines[:MOST_LINES]
    known = [[value for value in values if value is not None] for _, values in shown]
    most = max((value for values in known for value in values), default=0)
    notes = _notes(known)
    names = [printable(name) for name, _ in shown]
    room = min(max(map(width_of, names)), WIDEST_NAME, width // 3)
    space = max(8, width - room - max(map(width_of, notes)) - 4)
    # Short series are easier to read at two cells per value.
    wide = TWICE if len(series.times) * TWICE <= space else 1
    lines = []
    for name, (_, values), note in zip(names, shown, notes, strict=True):
        drawing = "".join(c * wide for c in spark(squeezed(values, space), most))
        lines.append(f"{left(cut(name, room), room)}  {screen.ink(drawing, 'blue')}  {note}")
    lines.append(" " * (room + 2) + _ends(series.times, min(len(series.times) * wide, space)))
    if len(series.lines) > MOST_LINES:
        lines.append(f"{len(series.lines) - MOST_LINES} more lines are only in the table")
    return "\n".join(line.rstrip() for line in lines)


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
