"""What a tool answers: typed results, and tables that are bounded for their reader.

Never fetches or computes: it holds the answer and cuts it to size.
"""

import json
from collections.abc import Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

Row = list[Any]


class Result(BaseModel):
    """Base of every tool's answer."""

    model_config = ConfigDict(extra="forbid")

    project: str | None = Field(default=None, description="Mixpanel project that this is about")
    time_zone: str | None = Field(default=None, description="zone of the days in this answer")
    cached_at: str | None = Field(
        default=None, description="UTC time of a cached answer; absent when just asked"
    )
    notice: str | None = Field(default=None, description="a change that you must know of")
    _picture: bytes | None = PrivateAttr(default=None)

    @property
    def picture(self) -> bytes | None:
        """Its chart as a PNG, beside what it says."""
        return self._picture

    @picture.setter
    def picture(self, picture: bytes) -> None:
        self._picture = picture


class Rows(Result):
    """A table: `rows` are lists in the order of `columns`."""

    columns: list[str]
    types: list[str] | None = Field(default=None, description="SQL type of each column")
    rows: list[Row]
    row_count: int = Field(description="number of rows in this answer")
    truncated: bool = Field(
        default=False, description="true when rows, columns or parts of cells are left out"
    )
    hint: str | None = Field(default=None, description="how to get the rest, or what to do next")
    saved_as: str | None = Field(default=None, description="table that holds the whole answer")
    saved_rows: int | None = Field(default=None, description="rows of that table")
    not_saved: dict[str, Any] | None = Field(
        default=None, description="error that kept the answer from becoming a table"
    )

    @classmethod
    def of(cls, columns: Sequence[str], rows: Sequence[Row], **more: Any) -> Self:
        """A whole table; `more` are other fields of the class."""
        return cls(columns=list(columns), rows=list(rows), row_count=len(rows), **more)

    def narrowed(self, width: int) -> None:
        """Keep only the first columns."""
        self.columns = self.columns[:width]
        self.types = self.types[:width] if self.types else self.types
        self.rows = [row[:width] for row in self.rows]
        self.truncated = True

    def first(self, limit: int, what: str) -> Self:
        """Only the first `limit` rows of it; the hint says how many `what` there are."""
        if len(self.rows) > limit:
            self.hint = f"{len(self.rows):,} {what} in all: narrow the call, or raise limit."
            self.rows = self.rows[:limit]
            self.row_count = limit
            self.truncated = True
        return self


MAX_CELL_BYTES = 4_000
"""Longest text of one cell for an agent; longer ones are cut and marked."""

_END = "; select a part of it]"
_MARK_BYTES = 60
"""As long as the mark of a cut can be."""


def fitting_names(names: Sequence[str], max_bytes: int) -> int:
    """How many leading names fit into `max_bytes`; at least one."""
    used = 0
    for place, name in enumerate(names):
        used += size_of(name)
        if used > max_bytes:
            return max(1, place)
    return len(names)


def bounded(rows: list[Row], max_bytes: int) -> list[Row]:
    """The leading rows whose JSON fits into `max_bytes`; at least one row, its cells cut.

    Neither one huge cell nor a very wide row defeats the bound: texts are cut, and say so.
    """
    kept: list[Row] = []
    used = 0
    for row in rows:
        fitting = _cut_row(row, MAX_CELL_BYTES)
        if not kept and size_of(fitting) > max_bytes:
            fitting = _cut_row(row, max_bytes // len(row))
        used += size_of(fitting)
        if kept and used > max_bytes:
            break
        kept.append(fitting)
    return kept


def cut_columns(rows: Sequence[Row]) -> list[int]:
    """Places of the columns in which `bounded` cut a cell."""
    return sorted({place for row in rows for place, cell in enumerate(row) if _is_cut(cell)})


def size_of(value: object) -> int:
    """Bytes of a value as JSON within a list."""
    return len(json.dumps(value, ensure_ascii=False, default=str).encode(errors="replace")) + 1


def _cut_row(row: Row, cell_bytes: int) -> Row:
    return row if size_of(row) <= cell_bytes else [_cut(cell, cell_bytes) for cell in row]


def _is_cut(cell: Any) -> bool:
    return isinstance(cell, str) and cell.endswith(_END)


def _cut(cell: Any, cell_bytes: int) -> Any:
    size = size_of(cell)
    # What is cut already says how long it was; a second cut would forget that.
    if size <= cell_bytes + (_MARK_BYTES if _is_cut(cell) else 0):
        return cell
    text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
    raw = text.encode(errors="replace")
    # In proportion, because escapes make the JSON of a text longer than the text.
    kept = raw[: len(raw) * cell_bytes // size].decode(errors="ignore")
    return f"{kept}… [cut: {size} bytes{_END}"
