"""Rows as an aligned table that fits its terminal.

Never lets a cell reach the terminal with control characters. rich is imported when a table is
drawn, and at no other time: it takes longer than everything else that `mp` does.
"""

import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

from mp_mcp.front.talk import printable, say

NARROWEST = 6
LONGEST_NUMBER = 20
GAP = 3
UNLIMITED = 100_000
"""Wide enough for a file or a pipe, where nothing may be cut."""


def drawn(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> str:
    """The table as lines; cells are cut with … where it would be wider than `width`."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")

    def line(text: str) -> Text:
        return Text(text, overflow="ellipsis", no_wrap=True)

    texts = [[line(shown(cell)) for cell in row] for row in rows]
    room = width or UNLIMITED
    for place, name in enumerate(columns):
        is_number = _is_numeric([row[place] for row in rows])
        head = line(printable(name))
        widest = max([head.cell_len, *(row[place].cell_len for row in texts)])
        # A number that is cut is a wrong number.
        least = min(widest, LONGEST_NUMBER if is_number else NARROWEST)
        if least > room and place:
            break
        room -= least + GAP
        table.add_column(head, justify="right" if is_number else "left", min_width=least)
    fitting = len(table.columns)
    for row in texts:
        table.add_row(*row[:fitting])
    if fitting < len(columns):
        say(f"{len(columns) - fitting} more columns do not fit: select fewer, or use --format csv")
    text = StringIO()
    Console(file=text, width=width or UNLIMITED, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def shown(cell: Any) -> str:
    """One cell as text on one line."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return printable(cell)
    return printable(json.dumps(cell, ensure_ascii=False))


def _is_numeric(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(
        isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known
    )
