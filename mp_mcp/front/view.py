"""A result as people read it: its chart, its fields, and its tables.

Never lets a text of the server reach the terminal with control characters.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mp_mcp.charts.shape import Heat, shape_of
from mp_mcp.front import chart, human, table
from mp_mcp.front.cells import left, width_of, wrapped
from mp_mcp.front.screen import Screen
from mp_mcp.front.talk import printable

ABOUT_ROWS = (
    *("columns", "types", "rows", "row_count", "truncated", "hint", "project"),
    *("cached_at", "notice", "time_zone", "saved_as", "saved_rows", "not_saved"),
)
"""Fields of a table that are shown in another way, or that every answer has."""

NARROWEST_TEXT = 20


def view(result: Mapping[str, Any], screen: Screen, wants_chart: bool | None = None) -> str:
    """The whole text; by default with a chart on a terminal, where one helps."""
    if not is_table(result):
        return fields({key: value for key, value in result.items() if key != "hint"}, screen)
    rest = {key: value for key, value in result.items() if key not in ABOUT_ROWS}
    parts = [fields(rest, screen)] if rest else []
    columns, rows = result["columns"], result["rows"]
    shape = None if wants_chart is False else shape_of(result)
    if shape is not None and (wants_chart or (screen.is_terminal and chart.helps(shape))):
        parts.append(chart.drawn(shape, screen) + "\n")
        if isinstance(shape, Heat):
            columns, rows = _without_rates(columns, rows)
    parts.append(table.drawn(columns, rows, screen, ours="types" not in result) + "\n")
    return "\n".join(parts)


def is_table(result: Mapping[str, Any]) -> bool:
    """Whether it is columns and rows."""
    return isinstance(result.get("columns"), list) and isinstance(result.get("rows"), list)


def fields(found: Mapping[str, Any], screen: Screen) -> str:
    """One line per field; a list of objects becomes a table under its name."""
    wide = max((len(name) for name in found), default=0)
    lines, tables = [], []
    for name, value in found.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            columns = list(dict.fromkeys(key for item in value for key in item))
            rows = [[item.get(column) for column in columns] for item in value]
            title = screen.ink(printable(name), "bold")
            tables.append(f"\n{title}\n{table.drawn(columns, rows, screen)}")
        else:
            lines += _field(name, value, wide, screen)
    return "\n".join([*lines, *tables]) + "\n"


def _field(name: str, value: Any, wide: int, screen: Screen) -> list[str]:
    label = screen.ink(left(printable(name), wide), "bold")
    text = _in_words(name, value, screen)
    if screen.width is None or width_of(text) + wide + 2 <= screen.width:
        return [f"{label}  {text}".rstrip()]
    first, *more = wrapped(text, max(screen.width - wide - 2, NARROWEST_TEXT))
    return [f"{label}  {first}", *(" " * (wide + 2) + line for line in more)]


def _in_words(name: str, value: Any, screen: Screen) -> str:
    """A value, a list or an object of values as text."""
    if isinstance(value, list):
        return ", ".join(map(table.shown, value))
    if isinstance(value, dict):
        spelled = ((printable(key), _in_words(key, found, screen)) for key, found in value.items())
        return "; ".join(f"{key}: {text}" for key, text in spelled)
    return table.shown(human.value(name, value) if screen.is_terminal else value)


def _without_rates(
    columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> tuple[list[str], list[list[Any]]]:
    """The heatmap shows them."""
    kept = [place for place, name in enumerate(columns) if not name.startswith("rate_")]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]
