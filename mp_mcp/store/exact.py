"""SQL that rebuilds the JSON object of a stored row, whose values are in typed columns and a rest.

Never runs SQL and never sees a row: it only writes expressions. How objects come apart is in
split.py.
"""

# Names and literals are quoted by exact.py; values of users are parameters.

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FIXED_KEYS = ("time", "distinct_id", "$insert_id")
PROCESSED_KEY = "mp_processing_time_ms"

KEPT_TIME, KEPT_DISTINCT_ID, KEPT_INSERT_ID, KEPT_WHOLE = 1, 2, 4, 8
"""Bits of the stored column `kept`: what the rest holds although the fixed column shows it."""

# Numbers that a double holds exactly: integers below 9e15, and every fraction, because DuckDB wrote
# it from a double. One expression per column: each costs every query, for 300 columns.
_SHORT_NUMBER = "^-?(?:[0-8]?[0-9]{1,15}|[0-9]+[.e][-+.e0-9]*)$"


class Kind(StrEnum):
    """What a property column holds; the value is its DuckDB type."""

    TEXT = "VARCHAR"
    NUMBER = "DOUBLE"
    FLAG = "BOOLEAN"
    NESTED = "JSON"


@dataclass(frozen=True)
class Column:
    """A property key and the column that its fitting values move into."""

    key: str
    kind: Kind
    name: str


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def pointer(key: str) -> str:
    """The JSON pointer to a key, as an SQL string."""
    return literal("/" + key.replace("~", "~0").replace("/", "~1"))


def dumps(key: str) -> str:
    """The key as DuckDB writes it inside JSON."""
    return json.dumps(key, ensure_ascii=False)


def shape(keys: Sequence[str]) -> str:
    """The `json_transform` structure that gives each key's value as JSON text."""
    return json.dumps(dict.fromkeys(keys, "JSON"), ensure_ascii=False)


def is_text(value: str) -> str:
    """Whether normal JSON text is a string: nothing else sorts before `#`."""
    return f"{value} < '#'"


def is_number(value: str) -> str:
    """Whether normal JSON text starts as a number (`-Infinity` does, too)."""
    return f"({value} >= '-' AND {value} < ':')"


def rest_column(rest: str, key: str, kind: Kind, *, odd: bool) -> str:
    """The value of a key that lives in the rest, NULL unless it is of this kind.

    `odd` means that the key had values of other kinds, or numbers that a double would round: they
    are NULL, and prop() gives them. A text column shows every value: nothing gets lost. (Without
    odd values it binds three times as fast, and function names bind faster than arrows.)
    """
    at = pointer(key)
    text, value = f"json_extract_string({rest}, {at})", f"json_extract({rest}, {at})"
    match kind:
        case Kind.TEXT:
            return text
        case Kind.NUMBER if odd:
            return f"TRY_CAST(regexp_extract({value}::VARCHAR, '{_SHORT_NUMBER}') AS DOUBLE)"
        case Kind.FLAG if odd:
            return f"CASE {value}::VARCHAR WHEN 'true' THEN true WHEN 'false' THEN false END"
        case Kind.NESTED:
            return f"CASE WHEN {value}::VARCHAR <> 'null' THEN {value} END"
        case _:
            return f"TRY_CAST({text} AS {kind})"


def piece(column: Column) -> str:
    """`"key":value` as JSON text, NULL where the column is NULL."""
    value = f"to_json({column.name})" if column.kind is Kind.TEXT else column.name
    return f"{literal(dumps(column.key) + ':')} || {value}"


def rebuilt(columns: Sequence[Column]) -> str:
    """The complete object of a stored row, as JSON."""
    pieces = [
        f"CASE WHEN kept & {KEPT_TIME} = 0 THEN '\"time\":' || (epoch_us(time) // 1000000) END",
        (
            f"CASE WHEN kept & {KEPT_DISTINCT_ID} = 0"
            " THEN '\"distinct_id\":' || to_json(distinct_id) END"
        ),
        f"CASE WHEN kept & {KEPT_INSERT_ID} = 0 THEN '\"$insert_id\":' || to_json(insert_id) END",
        *map(piece, columns),
        # rest is normal text without blanks around it: this is what stands between its braces.
        "nullif(substring(rest::VARCHAR, 2, length(rest::VARCHAR) - 2), '')",
    ]
    return (
        f"CASE WHEN kept >= {KEPT_WHOLE} THEN rest"
        f" ELSE ('{{' || concat_ws(',', {', '.join(pieces)}) || '}}')::JSON END"
    )


def appended(rest: str, columns: Sequence[Column]) -> str:
    """The rest with these columns' values moved back into it (whole rows have them already)."""
    pieces = f"concat_ws(',', nullif(substring({rest}::VARCHAR, 2, length({rest}::VARCHAR) - 2),"
    pieces += f" ''), {', '.join(map(piece, columns))})"
    some = " OR ".join(f"{column.name} IS NOT NULL" for column in columns)
    return (
        f"CASE WHEN kept < {KEPT_WHOLE} AND ({some})"
        f" THEN ('{{' || {pieces} || '}}')::JSON ELSE {rest} END"
    )
