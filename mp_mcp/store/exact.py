"""SQL that splits a JSON object into typed columns and a rest, and rebuilds it without loss.

Never runs SQL and never sees a row: it only writes expressions.

A value moves into a column only when the column can give back exactly that JSON value. Whether
nothing was lost is proven per row by length: DuckDB writes every JSON value in one normal form, so
the object's text is as long as its pieces together. A row whose pieces do not add up (a key sent
twice, for instance) keeps its whole object.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

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

# Seconds from the year 1 (older days do not fit a Python date) up to 1e11; above they are
# milliseconds.
_FIRST_SECOND, _LAST_SECOND = -62135596800, 100000000000


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


def rest_column(rest: str, key: str, kind: Kind) -> str:
    """The value of a key that lives in the rest, NULL unless it is of this kind.

    A number that a double would round is NULL, too: prop() gives it. A text column shows every
    value: nothing gets lost, and it binds three times as fast.
    """
    at = pointer(key)
    value = f"({rest} -> {at})::VARCHAR"
    match kind:
        case Kind.TEXT:
            return f"{rest} ->> {at}"
        case Kind.NUMBER:
            return f"TRY_CAST(regexp_extract({value}, '{_SHORT_NUMBER}') AS DOUBLE)"
        case Kind.FLAG:
            return f"CASE {value} WHEN 'true' THEN true WHEN 'false' THEN false END"
        case Kind.NESTED:
            return f"CASE WHEN {value} <> 'null' THEN {rest} -> {at} END"


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


def split(source: str, columns: Sequence[Column], day: str) -> str:
    """A SELECT that reads (event, properties) from `source` and gives the stored columns.

    `day` is the expression of the day column over `time`. The extra column `processed` is the
    time at which Mixpanel processed the row. The steps are nested selects, so that DuckDB computes
    each value once and streams.
    """
    keys = [*FIXED_KEYS, *(column.key for column in columns)]
    values = literal(shape([*keys, PROCESSED_KEY]))
    sql = f"SELECT event, properties, json_transform(properties, {values}) AS s"
    sql += f" FROM ({source})"
    values = ", ".join(f"s.{identifier(key)} AS j{number}" for number, key in enumerate(keys))
    sql = (
        f"SELECT event, properties, strlen(properties::VARCHAR) AS size, {values},"
        f" TRY_CAST(s.{identifier(PROCESSED_KEY)}::VARCHAR AS DOUBLE) AS processed FROM ({sql})"
    )
    sql = f"SELECT *, {_candidates(columns)} FROM ({sql})"
    sql = f"SELECT *, {_typed(columns)} FROM ({sql})"
    fits = _fits(columns)
    sql = f"SELECT *, {_explained(keys, fits)} AS explained FROM ({sql})"
    moved = ", ".join(
        f"CASE WHEN {fit} THEN {literal(dumps(key) + ':null')} END"
        for key, fit in zip(keys, fits, strict=True)
    )
    # A merge patch removes the keys that it sets to null, and leaves the object's own nulls. Most
    # rows have no odd value: for them a patch of all keys, which is a constant, is right.
    every = literal(json.dumps(dict.fromkeys(keys), ensure_ascii=False))
    sql = (
        "SELECT *, CASE WHEN size = explained + 1 THEN '{}' ELSE"
        f" json_merge_patch(properties, {every}) END AS usual FROM ({sql})"
    )
    sql = (
        f"SELECT *, CASE WHEN {_adds_up('usual')} THEN usual ELSE"
        f" json_merge_patch(properties, '{{' || concat_ws(',', {moved}) || '}}') END AS tail"
        f" FROM ({sql})"
    )
    return _stored(sql, columns, day)


def _candidates(columns: Sequence[Column]) -> str:
    """Numbers as DuckDB reads them, before anyone asks whether they survived."""
    time = "j0::VARCHAR"
    numbers = [
        f"CASE WHEN {is_number(time)} THEN TRY_CAST({time} AS BIGINT) END AS seconds",
        f"TRY_CAST(CASE WHEN {is_text(time)} THEN j0 ->> '$' ELSE {time} END AS DOUBLE) AS epoch",
    ]
    for number, column in enumerate(columns, len(FIXED_KEYS)):
        if column.kind is Kind.NUMBER:
            value = f"j{number}::VARCHAR"
            numbers.append(
                f"CASE WHEN {is_number(value)} THEN TRY_CAST({value} AS DOUBLE) END AS n{number}"
            )
    return ", ".join(numbers)


def _typed(columns: Sequence[Column]) -> str:
    exact_time = (
        f"coalesce(seconds BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND}"
        " AND seconds::VARCHAR = j0::VARCHAR, false)"
    )
    typed = [
        f"{exact_time} AS exact_time",
        (
            f"CASE WHEN {exact_time} THEN make_timestamp(seconds * 1000000)"
            f" WHEN epoch BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND}"
            " THEN make_timestamp(round(epoch * 1000000)::BIGINT)"
            f" WHEN epoch BETWEEN {_FIRST_SECOND}000 AND {_LAST_SECOND}000"
            " THEN make_timestamp(round(epoch * 1000)::BIGINT) END AS time"
        ),
        f"{_identity('j1')} AS distinct_id",
        f"{_identity('j2')} AS insert_id",
    ]
    for number, column in enumerate(columns, len(FIXED_KEYS)):
        typed.append(f"{_exactly(f'j{number}', f'n{number}', column.kind)} AS {column.name}")
    return ", ".join(typed)


def _identity(value: str) -> str:
    text = f"{value}::VARCHAR"
    return f"CASE WHEN {is_text(text)} OR {is_number(text)} THEN {value} ->> '$' END"


def _exactly(value: str, number: str, kind: Kind) -> str:
    """The JSON value as this kind, NULL unless the column can give it back exactly."""
    text = f"{value}::VARCHAR"
    match kind:
        case Kind.TEXT:
            return f"CASE WHEN {is_text(text)} THEN {value} ->> '$' END"
        case Kind.NUMBER:
            # Up to 15 digits always survive a double, and so does every fraction, because DuckDB
            # wrote it from one. Long integers may not; 1e400 becomes infinite.
            return (
                f"CASE WHEN isfinite({number}) AND (strlen({text}) <= 15"
                f" OR contains({text}, '.') OR contains({text}, 'e')"
                f" OR TRY_CAST({number} AS HUGEINT)::VARCHAR = {text}) THEN {number} END"
            )
        case Kind.FLAG:
            return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"
        case Kind.NESTED:
            return value


def _fits(columns: Sequence[Column]) -> list[str]:
    """Per key: whether its value moved into a column."""
    return [
        "exact_time",
        is_text("j1::VARCHAR"),
        is_text("j2::VARCHAR"),
        *(f"{column.name} IS NOT NULL" for column in columns),
    ]


def _explained(keys: Sequence[str], fits: Sequence[str]) -> str:
    """The length of all moved `"key":value,` pieces."""
    return " + ".join(
        f"CASE WHEN {fit} THEN strlen(j{number}::VARCHAR)"
        f" + {len(dumps(key).encode()) + 2} ELSE 0 END"
        for number, (key, fit) in enumerate(zip(keys, fits, strict=True))
    )


def _adds_up(rest: str) -> str:
    # An empty rest has no comma before it, which saves one character.
    return f"(size = explained + 1 OR strlen({rest}::VARCHAR) + explained = size)"


def _stored(sql: str, columns: Sequence[Column], day: str) -> str:
    kept = [
        f"CASE WHEN time IS NOT NULL AND NOT exact_time THEN {KEPT_TIME} ELSE 0 END",
        f"CASE WHEN {is_number('j1::VARCHAR')} THEN {KEPT_DISTINCT_ID} ELSE 0 END",
        f"CASE WHEN {is_number('j2::VARCHAR')} THEN {KEPT_INSERT_ID} ELSE 0 END",
        f"CASE WHEN {_adds_up('tail')} THEN 0 ELSE {KEPT_WHOLE} END",
    ]
    names = "".join(f", {column.name}" for column in columns)
    return (
        f"SELECT event, time, distinct_id, insert_id, {day} AS day,"
        f" ({' + '.join(kept)})::UTINYINT AS kept{names},"
        f" CASE WHEN {_adds_up('tail')} THEN tail::JSON ELSE properties END AS rest, processed"
        f" FROM ({sql})"
    )
