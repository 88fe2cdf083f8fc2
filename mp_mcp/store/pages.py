"""One page of a query's answer: how it is read within its bounds, and how to get the next one.

Never judges SQL and never waits for a turn: its caller has done both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from mp_mcp.results import Row, Rows, bounded, cut_columns, size_of
from mp_mcp.store.database import Cursor
from mp_mcp.store.guard import Checked
from mp_mcp.store.values import (
    AmbiguousMomentError,
    Convert,
    converter,
    is_long,
    needs_text,
    text_expression,
)

CHUNK = 256
"""Rows per step while fetching: between two steps the byte limit is looked at."""

MOST_CHECKED = 50_000
"""Cells that are looked at for long integers; whoever asks for more reads them by a program."""


@dataclass(frozen=True)
class Ask:
    """What is wanted of a query; `max_bytes` None is no bound."""

    checked: Checked
    values: Mapping[str, Any]
    limit: int
    offset: int
    max_bytes: int | None


@dataclass(frozen=True)
class Page:
    """Rows of an answer, and whether there are more."""

    columns: list[str]
    types: list[str]
    rows: list[Row]
    has_more: bool
    is_exact: bool
    lacking: str | None = None
    """Days that the tables lack which the query is about."""
    unknown: str | None = None
    """Properties that it names and that the tables do not have."""


def read_page(cursor: Cursor, ask: Ask) -> Page:
    """Run the query and read its page. Raises: duckdb.Error."""
    try:
        return _read_page(cursor, ask, moments=False)
    except AmbiguousMomentError:
        # Infinity and the year 9999 look the same in Python: they differ in text.
        return _read_page(cursor, ask, moments=True)


def _read_page(cursor: Cursor, ask: Ask, *, moments: bool) -> Page:
    paging = ask.checked.paging
    text = ask.checked.sql
    # One row more than asked for tells whether there are more.
    if paging is not None:
        try:
            text = paging.page(ask.limit + 1, ask.offset)
            cursor.execute(text, ask.values)
        except (duckdb.BinderException, duckdb.NotSupportedError):
            # The order that we add can fail; if the query is wrong, this says so in its words.
            paging = None
    if paging is None:
        text = ask.checked.sql
        cursor.execute(text, ask.values)
    columns = [str(column[0]) for column in cursor.description or ()]
    kinds = [column[1] for column in cursor.description or ()]
    if any(needs_text(kind, moments=moments) for kind in kinds):
        picked = ", ".join(
            text_expression(kind, i + 1, moments=moments) for i, kind in enumerate(kinds)
        )
        text = f"SELECT {picked} FROM ({text}\n)"  # noqa: S608 - types, not input
        cursor.execute(text, ask.values)
    if paging is None:
        _skip(cursor, ask.offset)
    rows = _fetch(cursor, [converter(kind, moments=moments) for kind in kinds], ask)
    kept = rows[: ask.limit]
    if ask.max_bytes is not None:
        # As the caller counts: what fits here is not cut again there.
        kept = bounded(kept, max(ask.max_bytes - size_of(columns), ask.max_bytes // 2))
    return Page(
        columns,
        [str(kind) for kind in kinds],
        kept,
        has_more=len(kept) < len(rows),
        is_exact=paging is not None and paging.is_exact,
    )


def _fetch(cursor: Cursor, converters: list[Convert], ask: Ask) -> list[Row]:
    rows: list[Row] = []
    wanted = ask.limit + 1
    while len(rows) < wanted:
        chunk = cursor.fetchmany(min(CHUNK, wanted - len(rows)))
        if not chunk:
            break
        rows += _as_json(chunk, converters)
        if ask.max_bytes is not None and len(bounded(rows, ask.max_bytes)) < len(rows):
            break
    return rows


def read_all(cursor: Cursor, sql: str) -> tuple[list[str], list[Row]]:
    """Types and rows of a small answer that is the same each time it is asked for."""
    # Of our own making, and with every name in it quoted.
    cursor.execute(f"FROM ({sql}) LIMIT 0")
    kinds = [column[1] for column in cursor.description or ()]
    texts = ", ".join(text_expression(kind, i + 1, moments=True) for i, kind in enumerate(kinds))
    cursor.execute(f"SELECT {texts} FROM ({sql})")  # noqa: S608
    converters = [converter(kind, moments=True) for kind in kinds]
    return [str(kind) for kind in kinds], list(_as_json(cursor.fetchall(), converters))


def _as_json(rows: list[tuple[object, ...]], converters: list[Convert]) -> Iterator[Row]:
    for row in rows:
        yield [convert(value) for convert, value in zip(converters, row, strict=True)]


def _skip(cursor: Cursor, rows: int) -> None:
    while rows > 0:
        skipped = len(cursor.fetchmany(min(rows, 10_000)))
        if not skipped:
            return
        rows -= skipped


def answer(page: Page, offset: int, limit: int) -> Rows:
    """The page as a tool's answer."""
    told = [page.unknown, _long_integers(page), page.lacking]
    if page.has_more:
        told.append(_next_page(page, offset, limit))
    return Rows(
        columns=page.columns,
        types=page.types,
        rows=page.rows,
        row_count=len(page.rows),
        # What the cut cells miss is said by the caller, which cuts the cells of all tools.
        truncated=page.has_more or bool(cut_columns(page.rows)),
        hint=" ".join(text for text in told if text) or None,
    )


def _next_page(page: Page, offset: int, limit: int) -> str:
    following = offset + len(page.rows)
    order = "" if page.is_exact else " (with an ORDER BY on a unique column, or rows may repeat)"
    return (
        f"There are more rows. Next page: query_sql with the same sql, limit={limit}, "
        f"offset={following}{order}. Or aggregate, or select fewer columns."
    )


def _long_integers(page: Page) -> str | None:
    """They are exact in our JSON, but JavaScript's JSON.parse, and so some hosts, round them."""
    if len(page.rows) * len(page.columns) > MOST_CHECKED:
        return None
    found = [
        name
        for place, name in enumerate(page.columns)
        if any(is_long(row[place]) for row in page.rows)
    ]
    if not found:
        return None
    return (
        f"Integers beyond 2^53 in {', '.join(found[:5])}: a JSON reader that rounds them (as "
        "JavaScript does) needs them as text, column::VARCHAR."
    )
