"""Lengths and heights as block characters.

Never rounds something to nothing: what is not zero is seen.
"""

from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A bar of `share` of the width, in eighths of a cell."""
    eighths = min(round(share * width * 8), width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return "█" * full + (EIGHTHS[rest] if rest else "")


def spark(values: Sequence[float | None], most: float) -> str:
    """A character per value: lowest for zero, highest for `most`, a space for no value."""
    return "".join(_height(value, most) for value in values)


def _height(value: float | None, most: float) -> str:
    if value is None:
        return " "
    if value <= 0 or most <= 0:
        return HEIGHTS[0]
    return HEIGHTS[min(max(round(value / most * 7), 1), 7)]


def squeezed(values: Sequence[float | None], width: int) -> list[float | None]:
    """The values, or the means of neighbours where there are more than fit."""
    count = len(values)
    if count <= width:
        return list(values)
    found: list[float | None] = []
    for place in range(width):
        group = values[place * count // width : (place + 1) * count // width]
        known = [value for value in group if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found
