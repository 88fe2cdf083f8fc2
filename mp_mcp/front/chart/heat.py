"""Retention as a heatmap: a line per group, a cell per period with its percentage.

Never says with colour alone: every cell has its number.
"""

from mp_mcp.charts.shape import Heat
from mp_mcp.front import human
from mp_mcp.front.cells import cut, left, right, width_of
from mp_mcp.front.chart.blocks import spark
from mp_mcp.front.screen import Screen
from mp_mcp.front.talk import printable

CELL = 5
WIDEST_NAME = 40
GREENS = ((255, 240), (193, 22), (150, 22), (113, 16), (71, 231), (29, 231), (22, 231))
"""Background and letters of the 256 colours, from nothing to everything: each pair is readable."""


def drawn(heat: Heat, screen: Screen, width: int) -> str:
    """As many periods as fit; the most recent groups come last, as in the table."""
    days = [human.day(cut(printable(name), WIDEST_NAME)) for name, _, _ in heat.groups]
    sizes = [human.number(size) for _, size, _ in heat.groups]
    day_room = max(map(width_of, days))
    size_room = max(map(len, [*sizes, "users"]))
    cell = CELL if screen.colour else CELL + 1
    count = max(1, min((width - day_room - size_room - 4) // cell, len(heat.periods)))
    head = f"{left('', day_room)}  {right('users', size_room)}  "
    head += "".join(right(period, cell) for period in heat.periods[:count])
    lines = [screen.ink(heat.title, "dim"), screen.ink(head, "bold")]
    for day, size, (_, _, shares) in zip(days, sizes, heat.groups, strict=True):
        cells = "".join(_cell(share, screen) for share in shares[:count])
        lines.append(f"{left(day, day_room)}  {right(size, size_room)}  {cells}".rstrip())
    if count < len(heat.periods):
        hidden = ", ".join(heat.periods[count:])
        lines.append(screen.ink(f"no room for the periods {hidden}", "dim"))
    return "\n".join(lines)


def _cell(share: float | None, screen: Screen) -> str:
    text = "" if share is None else f"{share * 100:.0f}%"
    if share is None or not screen.colour:
        return right(text, CELL) + ("" if screen.colour else spark([share], 1))
    back, letters = GREENS[_level(share, len(GREENS))]
    return screen.ink(right(text, CELL - 1) + " ", f"48;5;{back};38;5;{letters}")


def _level(share: float, count: int) -> int:
    return min(int(max(share, 0) * count), count - 1)
