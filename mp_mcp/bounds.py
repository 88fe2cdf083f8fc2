"""How much of a table one answer may hold: what does not fit is cut, and the answer says so.

Never changes a value that fits.
"""

from typing import NamedTuple

from mp_mcp.results import Rows, bounded, cut_columns, fitting_names, size_of

_CUT = (
    "are cut: select a part of them, or get them whole in a terminal with --format jsonl (for SQL:"
    " mp query sql, or mp export to a file)."
)


class Bounds(NamedTuple):
    """How much of a table one answer may hold; `max_bytes` None is no limit."""

    max_rows: int
    max_bytes: int | None


AGENT_BOUNDS = Bounds(1_000, 30_000)
HUMAN_BOUNDS = Bounds(100_000, None)


def bound(result: Rows, bounds: Bounds) -> None:
    """Cut a table to its reader's bounds, and say what was cut."""
    told = []
    width, height = len(result.columns), len(result.rows)
    if bounds.max_bytes is not None:
        # Breakdowns can have thousands of columns: their names must leave room for rows.
        fitting = fitting_names(result.columns, bounds.max_bytes // 4)
        if fitting < width:
            told.append(f"Only the first {fitting} of {width} columns fit: lower the limit.")
            result.narrowed(fitting)
    kept = result.rows[: bounds.max_rows]
    if bounds.max_bytes is not None:
        kept = bounded(kept, bounds.max_bytes - size_of(result.columns))
    if len(kept) < height:
        told.append(f"Only the first {len(kept)} of {height} rows fit.")
        result.truncated = True
    result.rows = kept
    result.row_count = len(kept)
    if told:
        result.hint = " ".join([*told, result.hint or "Narrow the question."])
    if bounds.max_bytes is not None and (cut := cut_columns(kept)):
        names = ", ".join(result.columns[place] for place in cut[:5])
        result.hint = " ".join(filter(None, [f"Cells of {names} {_CUT}", result.hint]))
        result.truncated = True
