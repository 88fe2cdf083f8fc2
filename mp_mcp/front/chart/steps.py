"""A funnel as steps: how many reached each one, and how many of the step before it.

Never compares segments on different scales of time: each bar is a share of its own first step.
"""

from mp_mcp.charts.shape import WHOLE, Step, Steps
from mp_mcp.front import human
from mp_mcp.front.cells import cut, left, right, width_of
from mp_mcp.front.chart.blocks import bar
from mp_mcp.front.screen import Screen
from mp_mcp.front.talk import printable

WIDEST_NAME = 30
WIDEST_BAR = 50
NOTES = 24
"""Room for ` 56.3%   -388 (-43.7%)`."""


def drawn(steps: Steps, screen: Screen, width: int) -> str:
    """A line per step; a blank line and a title between segments."""
    lines: list[str] = []
    for name, funnel in steps.funnels:
        if len(steps.funnels) > 1:
            title = "everybody" if name == WHOLE else printable(name)
            lines += [*([""] if lines else []), screen.ink(title, "bold")]
        lines += _funnel(funnel, screen, width)
    return "\n".join(lines)


def _funnel(funnel: list[Step], screen: Screen, width: int) -> list[str]:
    names = [f"{place}. {printable(step.name)}" for place, step in enumerate(funnel, 1)]
    counts = [human.number(step.users) for step in funnel]
    name_room = min(max(map(width_of, names)), WIDEST_NAME, width // 3)
    count_room = max(map(len, counts))
    space = max(8, min(width - name_room - count_room - 8 - NOTES, WIDEST_BAR))
    lines = []
    for place, step in enumerate(funnel):
        drawing = screen.ink(left(bar(step.share, space), space), "blue")
        line = f"{left(cut(names[place], name_room), name_room)}  "
        line += f"{right(counts[place], count_room)}  {drawing}  {right(f'{step.share:.1%}', 6)}"
        lost = funnel[place - 1].users - step.users if place else 0
        if place:
            line += f"  {human.number(-lost)} ({step.of_previous - 1:.1%})"
        lines.append(line.rstrip())
    return lines
