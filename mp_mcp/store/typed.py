"""SQL for the typed columns of an event: from the JSON texts j0, j1, ... of its values.

Never runs SQL and never sees a row: it only writes expressions. `j0`, `j1` and `j2` are time,
distinct_id and $insert_id; the others follow in the order of the columns.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from mp_mcp.store.exact import (
    FIXED_KEYS,
    KEPT_DISTINCT_ID,
    KEPT_INSERT_ID,
    KEPT_TIME,
    Column,
    Kind,
    is_number,
    is_text,
)

# Seconds from the year 1 (older days do not fit a Python date) up to 1e11; above they are
# milliseconds.
_FIRST_SECOND, _LAST_SECOND = -62135596800, 100000000000


def candidates(columns: Sequence[Column]) -> str:
    """Numbers as DuckDB reads them, before anyone asks whether they survived."""
    numbers = ["TRY_CAST(j0 AS BIGINT) AS seconds"]
    for nth, column in enumerate(columns, len(FIXED_KEYS)):
        if column.kind is Kind.NUMBER:
            # Strings have quotes, so that they are no numbers.
            numbers.append(f"TRY_CAST(j{nth} AS DOUBLE) AS n{nth}")
    return ", ".join(numbers)


def typed(columns: Sequence[Column], texts: AbstractSet[str] = frozenset()) -> str:
    """The stored columns, and `exact_time`. The values of the keys `texts` are the text itself."""
    exact_time = (
        f"coalesce(seconds BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND}"
        " AND seconds::VARCHAR = j0, false)"
    )
    found = [
        f"{exact_time} AS exact_time",
        (
            f"CASE WHEN {exact_time} THEN make_timestamp(seconds * 1000000)"
            f" ELSE {_odd_time()} END AS time"
        ),
        f"{'j1' if FIXED_KEYS[1] in texts else _identity('j1')} AS distinct_id",
        f"{'j2' if FIXED_KEYS[2] in texts else _identity('j2')} AS insert_id",
    ]
    for nth, column in enumerate(columns, len(FIXED_KEYS)):
        value = f"j{nth}" if column.key in texts else _exactly(nth, column.kind)
        found.append(f"{value} AS {column.name}")
    return ", ".join(found)


def kept(texts: AbstractSet[str] = frozenset()) -> list[str]:
    """Terms of the column `kept`: fixed columns that show what only the rest has exactly."""
    terms = [f"CASE WHEN time IS NOT NULL AND NOT exact_time THEN {KEPT_TIME} ELSE 0 END"]
    bits = zip(FIXED_KEYS[1:], ("j1", "j2"), (KEPT_DISTINCT_ID, KEPT_INSERT_ID), strict=True)
    return terms + [
        f"CASE WHEN {is_number(text)} THEN {bit} ELSE 0 END"
        for key, text, bit in bits
        if key not in texts
    ]


def _odd_time() -> str:
    """The time of fractions, milliseconds and numbers in strings."""
    epoch = f"TRY_CAST(CASE WHEN {is_text('j0')} THEN {_string('j0')}"
    epoch += f" WHEN {is_number('j0')} THEN j0 END AS DOUBLE)"
    return (
        f"CASE WHEN {epoch} BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND}"
        f" THEN make_timestamp(round({epoch} * 1000000)::BIGINT)"
        f" WHEN {epoch} BETWEEN {_FIRST_SECOND}000 AND {_LAST_SECOND}000"
        f" THEN make_timestamp(round({epoch} * 1000)::BIGINT) END"
    )


def _identity(text: str) -> str:
    return f"CASE WHEN {is_text(text)} THEN {_string(text)} WHEN {is_number(text)} THEN {text} END"


def _string(text: str) -> str:
    # Not `->>`, which reads a VARCHAR twice.
    return f"json_extract_string({text}, '$')"


def _exactly(nth: int, kind: Kind) -> str:
    """The JSON value as this kind, NULL unless the column can give it back exactly."""
    text, number = f"j{nth}", f"n{nth}"
    match kind:
        case Kind.TEXT:
            return f"CASE WHEN {is_text(text)} THEN {_string(text)} END"
        case Kind.NUMBER:
            # Up to 15 digits always survive a double, and so does every fraction, because DuckDB
            # wrote it from one. Long integers may not; 1e400 becomes infinite. (A CASE, because
            # DuckDB takes the terms of an OR in any order, and the last one is slow.)
            return (
                f"CASE WHEN strlen({text}) <= 15 OR contains({text}, '.') OR contains({text}, 'e')"
                f" THEN CASE WHEN isfinite({number}) THEN {number} END"
                f" WHEN TRY_CAST({number} AS HUGEINT)::VARCHAR = {text} THEN {number} END"
            )
        case Kind.FLAG:
            return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"
        case Kind.NESTED:
            return f"v{nth}"
