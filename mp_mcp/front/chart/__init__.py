"""An answer as a chart of characters: sparklines, bars, a heatmap or the steps of a funnel.

Never is wider than its screen, and never starts an axis anywhere but at zero.
"""

from mp_mcp.charts.shape import Bars, Heat, Series, Shape, Steps
from mp_mcp.front.screen import Screen

WIDTH_OF_A_FILE = 100
FEWEST_TIMES = 3
MOST_BARS = 40


def helps(shape: Shape) -> bool:
    """Whether a chart says more than the table does at a glance."""
    if isinstance(shape, Series):
        return len(shape.times) >= FEWEST_TIMES and shape.scale.is_regular
    if isinstance(shape, Bars):
        return len(shape.names) <= MOST_BARS
    return True


def drawn(shape: Shape, screen: Screen) -> str:
    """The chart as lines."""
    width = screen.width or WIDTH_OF_A_FILE
    match shape:
        case Series():
            from mp_mcp.front.chart import series

            return series.drawn(shape, screen, width)
        case Bars():
            from mp_mcp.front.chart import bars

            return bars.drawn(shape, screen, width)
        case Heat():
            from mp_mcp.front.chart import heat

            return heat.drawn(shape, screen, width)
        case Steps():
            from mp_mcp.front.chart import steps

            return steps.drawn(shape, screen, width)
