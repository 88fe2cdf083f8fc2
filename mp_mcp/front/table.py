"""Rows as an aligned table that fits its terminal.

Never lets a cell reach the terminal with control characters, and never cuts a number.
"""

import json
from collections.abc import Sequence
from typing import Any

from mp_mcp.front import human
from mp_mcp.front.cells import cut, left, right, width_of, wrapped
from mp_mcp.front.screen import Screen
from mp_mcp.front.talk import printable

NARROWEST = 10
"""Cells that a column of texts keeps, where it has to be cut."""

GAP = "   "
MOST_NAMED = 8
"""Columns that are left out are told by name, up to this many."""


class _Column:
    """A column as texts."""

    def __init__(self, name: str, cells: Sequence[Any], *, readable: bool, ours: bool) -> None:
        self.head = printable(name)
        self.is_number = _is_numeric(cells)
        spelled = human.column(name, cells, ours=ours) if readable else cells
        self.texts = [shown(cell) for cell in spelled]
        self.width = max(map(width_of, [self.head, *self.texts]))
        # A number or a time that is cut is another one.
        self._is_rigid = self.is_number or name == "date" or human.are_times(cells)
        self.is_empty = bool(cells) and not any(self.texts)

    @property
    def least(self) -> int:
        """How narrow it may become."""
        return self.width if self._is_rigid else min(self.width, NARROWEST)

    def line(self, text: str) -> str:
        return (right if self.is_number else left)(cut(text, self.width), self.width)


def drawn(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], screen: Screen, *, ours: bool = True
) -> str:
    """The table as lines; cells are cut with … where it would be wider than the screen.

    Names of columns that are `ours` tell their units.
    """
    made = [
        _Column(name, [row[place] for row in rows], readable=screen.is_terminal, ours=ours)
        for place, name in enumerate(columns)
    ]
    width = screen.width
    if width is not None and len(rows) == 1 < len(made) and _least(made) > width:
        return _record(made, screen)
    kept = made if width is None else _fitting(made, width)
    heads = GAP.join(column.line(column.head) for column in kept)
    rule = screen.ink("─" * width_of(heads), "dim")
    lines = [GAP.join(c.line(c.texts[place]) for c in kept) for place in range(len(rows))]
    notes = _left_out([column for column in made if column not in kept], screen)
    return "\n".join([screen.ink(heads.rstrip(), "bold"), rule, *map(str.rstrip, lines), *notes])


def shown(cell: Any) -> str:
    """One cell as text on one line."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return printable(cell)
    return printable(json.dumps(cell, ensure_ascii=False))


def _record(columns: Sequence[_Column], screen: Screen) -> str:
    """One row that is too wide: a line per column that has a value."""
    wide = min(max(width_of(column.head) for column in columns), (screen.width or 0) // 2)
    lines = []
    for column in columns:
        if not column.is_empty:
            room = (screen.width or 0) - wide - 2
            name = screen.ink(left(cut(column.head, wide), wide), "bold")
            lines.append(f"{name}  {cut(column.texts[0], room)}".rstrip())
    return "\n".join(lines)


def _fitting(columns: list[_Column], width: int) -> list[_Column]:
    """The columns that fit, as wide as they may be."""
    kept = columns
    if _least(kept) > width:
        # What holds nothing is missed by nobody.
        kept = [column for column in columns if not column.is_empty] or columns[:1]
    while _least(kept) > width and len(kept) > 1:
        kept = kept[:-1]
    _narrow(kept, width - len(GAP) * (len(kept) - 1))
    return kept


def _least(columns: Sequence[_Column]) -> int:
    return sum(column.least for column in columns) + len(GAP) * (len(columns) - 1)


def _narrow(columns: Sequence[_Column], room: int) -> None:
    """Take from the widest columns of texts first."""
    while (excess := sum(column.width for column in columns) - room) > 0:
        flexible = [column for column in columns if column.width > column.least]
        if not flexible:
            break
        widest = max(column.width for column in flexible)
        among = [column for column in flexible if column.width == widest]
        others = [column.width for column in flexible if column.width < widest]
        floor = max([*others, *(column.least for column in among)])
        step = max(1, min(widest - floor, excess // len(among)))
        for column in among[:excess]:
            column.width -= step
    if len(columns) == 1:
        columns[0].width = min(columns[0].width, room)


def _left_out(columns: Sequence[_Column], screen: Screen) -> list[str]:
    """Which columns did not fit, as lines below the table."""
    if not columns:
        return []
    names = ", ".join(column.head for column in columns[:MOST_NAMED])
    more = len(columns) - MOST_NAMED
    others = f" and {more} more" if more > 0 else ""
    what = "1 column does" if len(columns) == 1 else f"{len(columns)} columns do"
    note = f"{what} not fit: {names}{others}; select fewer, or use -f csv"
    return [screen.ink(line, "dim") for line in wrapped(note, screen.width or len(note))]


def _is_numeric(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(map(human.is_number, known))
