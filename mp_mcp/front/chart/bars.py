"""Names and numbers as bars from zero.

Never draws two bars on different scales.
"""

from mp_mcp.charts.shape import Bars
from mp_mcp.front import human
from mp_mcp.front.cells import cut, left, right, width_of
from mp_mcp.front.chart.blocks import bar
from mp_mcp.front.screen import Screen
from mp_mcp.front.talk import printable

WIDEST_NAME = 30
WIDEST_BAR = 60


def drawn(bars: Bars, screen: Screen, width: int) -> str:
    """A line per name: name, number, bar."""
    names = [printable(name) for name in bars.names]
    numbers = [human.number(value) for value in bars.values]
    wide = max(map(width_of, names))
    name_room = min(wide, WIDEST_NAME, width // 3)
    number_room = max(map(width_of, numbers))
    space = max(8, min(width - name_room - number_room - 4, WIDEST_BAR))
    most = max(bars.values) or 1
    return "\n".join(
        f"{left(cut(name, name_room), name_room)}  {right(number, number_room)}  "
        f"{screen.ink(bar(value / most, space), 'blue')}".rstrip()
        for name, number, value in zip(names, numbers, bars.values, strict=True)
    )
