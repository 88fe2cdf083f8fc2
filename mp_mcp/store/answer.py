"""An answer of Mixpanel that becomes a table: columns get names and types that SQL can use.

Never loses a value: what fits no narrower type stays text or JSON.
"""

# Names are quoted by exact.py; values are one parameter.
# ruff: noqa: S608

import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from duckdb import DuckDBPyConnection

from mp_mcp.errors import UsageError
from mp_mcp.results import Row
from mp_mcp.store.exact import identifier

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII)
_LONGEST_NAME = 255

MOST_COLUMNS = 1_000
"""Each costs every query on the table, and the time to make it grows with their square."""


def read_rows(
    cursor: DuckDBPyConnection, columns: Sequence[str], rows: Sequence[Row], into: str
) -> None:
    """Put the rows into the temporary table `into` of this cursor.

    Raises: UsageError for an answer without columns, or with more than SQL is good for.
    """
    if not columns:
        raise UsageError("An answer without columns cannot be a table.", hint="It has no rows.")
    if len(columns) > MOST_COLUMNS:
        raise UsageError(
            f"The answer has {len(columns):,} columns; a table of it can have {MOST_COLUMNS:,}.",
            hint="Lower the limit of the breakdown, or ask fewer events.",
        )
    types = [type_of(row[place] for row in rows) for place in range(len(columns))]
    shape = json.dumps([{f"c{place}": kind for place, kind in enumerate(types)}])
    named = ", ".join(
        f"one.c{place} AS {identifier(name)}" for place, name in enumerate(names_of(columns))
    )
    text = json.dumps([{f"c{place}": _plain(v) for place, v in enumerate(row)} for row in rows])
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT {named} FROM"
        " (SELECT unnest(from_json_strict($1, $2)) AS one)",
        [text, shape],
    )


def names_of(columns: Sequence[str]) -> list[str]:
    """Names that one table can have together: case does not tell them apart in SQL."""
    taken: set[str] = set()
    names = []
    for column in columns:
        kept = "".join(c if c.isprintable() else " " for c in column)[:_LONGEST_NAME] or "(empty)"
        name, number = kept, 1
        while name.casefold() in taken:
            number += 1
            name = f"{kept}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def type_of(values: Iterable[Any]) -> str:
    """The narrowest type that holds all these values exactly."""
    found = {_type_of_one(value) for value in values if value is not None}
    if len(found) == 1:
        return found.pop()
    if found and found <= {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    if found == {"DATE", "TIMESTAMP"}:
        return "TIMESTAMP"
    return "VARCHAR" if found <= {"VARCHAR", "DATE", "TIMESTAMP"} else "JSON"


def _type_of_one(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if -(2**63) <= value < 2**63 else "JSON"
    if isinstance(value, float):
        return "DOUBLE"
    return _type_of_text(value) if isinstance(value, str) else "JSON"


def _type_of_text(text: str) -> str:
    try:
        if _DAY.fullmatch(text):
            date.fromisoformat(text)
            return "DATE"
        if _MOMENT.fullmatch(text):
            datetime.fromisoformat(text)
            return "TIMESTAMP"
    except ValueError:
        pass
    return "VARCHAR"


def _plain(value: Any) -> Any:
    """As JSON can carry it: no NaN, and no half of a character."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value
