"""SQL that splits a JSON object into typed columns and a rest, so that nothing gets lost.

Never runs SQL and never sees a row: it only writes expressions. How an object is rebuilt is in
exact.py.

A value moves into a column only when the column can give back exactly that JSON value. Whether
nothing was lost is proven per row by length: DuckDB writes every JSON value in one normal form, so
the object's text is as long as its pieces together. What moved is subtracted; the rest has to be
as long as what is left. It is tried in three ways, the cheap ones first:

1. no rest, or one of the few keys that a sample of the export had in the rest;
2. a merge patch, which removes what moved from the object;
3. the whole object (a key that was sent twice, for instance).
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass

from mp_mcp.store.exact import (
    FIXED_KEYS,
    KEPT_DISTINCT_ID,
    KEPT_INSERT_ID,
    KEPT_TIME,
    KEPT_WHOLE,
    Column,
    Kind,
    dumps,
    identifier,
    is_number,
    is_text,
    literal,
    pointer,
    shape,
)

# Seconds from the year 1 (older days do not fit a Python date) up to 1e11; above they are
# milliseconds.
_FIRST_SECOND, _LAST_SECOND = -62135596800, 100000000000


@dataclass(frozen=True)
class _Value:
    """One key that may move when `fits`; its value is in the columns `json` and `text`."""

    key: str
    json: str
    text: str
    fits: str


def split(source: str, columns: Sequence[Column], expected: Sequence[str], day: str) -> str:
    """A SELECT that reads (event, properties) from `source` and gives the stored columns.

    `expected` are the keys that most rests consist of. `day` is the expression of the day column
    over `time`. The steps are nested selects, so that DuckDB computes each value once and streams.
    """
    values = _values(columns)
    keys = literal(shape([value.key for value in values]))
    texts = ", ".join(
        f"s.{identifier(value.key)} AS {value.json}, {value.json}::VARCHAR AS {value.text}"
        for value in values
    )
    sql = f"SELECT event, properties, json_transform(properties, {keys}) AS s FROM ({source})"
    sql = f"SELECT event, properties, strlen(properties::VARCHAR) AS size, {texts} FROM ({sql})"
    sql = f"SELECT *, {_candidates(columns)} FROM ({sql})"
    sql = f"SELECT *, {_typed(columns)} FROM ({sql})"
    sql = f"SELECT *, {_moved(values)} AS moved FROM ({sql})"
    sql = _with_rest(sql, values, expected)
    return _stored(sql, columns, day)


def _values(columns: Sequence[Column]) -> list[_Value]:
    fits = ["exact_time", is_text("j1"), is_text("j2")]
    fits += [f"{column.name} IS NOT NULL" for column in columns]
    keys = [*FIXED_KEYS, *(column.key for column in columns)]
    return [
        _Value(key, f"v{nth}", f"j{nth}", fit)
        for nth, (key, fit) in enumerate(zip(keys, fits, strict=True))
    ]


def _candidates(columns: Sequence[Column]) -> str:
    """Numbers as DuckDB reads them, before anyone asks whether they survived."""
    numbers = ["TRY_CAST(j0 AS BIGINT) AS seconds"]
    for nth, column in enumerate(columns, len(FIXED_KEYS)):
        if column.kind is Kind.NUMBER:
            # Strings have quotes, so that they are no numbers.
            numbers.append(f"TRY_CAST(j{nth} AS DOUBLE) AS n{nth}")
    return ", ".join(numbers)


def _typed(columns: Sequence[Column]) -> str:
    exact_time = (
        f"coalesce(seconds BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND}"
        " AND seconds::VARCHAR = j0, false)"
    )
    typed = [
        f"{exact_time} AS exact_time",
        (
            f"CASE WHEN {exact_time} THEN make_timestamp(seconds * 1000000)"
            f" ELSE {_odd_time()} END AS time"
        ),
        f"{_identity('j1')} AS distinct_id",
        f"{_identity('j2')} AS insert_id",
    ]
    for nth, column in enumerate(columns, len(FIXED_KEYS)):
        typed.append(f"{_exactly(nth, column.kind)} AS {column.name}")
    return ", ".join(typed)


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


def _moved(values: Sequence[_Value]) -> str:
    """The length of all moved `"key":value,` pieces."""
    return " + ".join(
        f"CASE WHEN {value.fits} THEN strlen({value.text}) + {len(dumps(value.key).encode()) + 2}"
        " ELSE 0 END"
        for value in values
    )


def _with_rest(sql: str, values: Sequence[_Value], expected: Sequence[str]) -> str:
    """Adds what the rest may be; `guess` is NULL when nothing is left, `patched` when that fits."""
    pointers = ", ".join(map(pointer, expected))
    found = f"CASE WHEN size <> moved + 1 THEN json_extract(properties, [{pointers}]) END"
    sql = f"SELECT *, {found} AS found FROM ({sql})"
    guess = f"CASE WHEN size <> moved + 1 THEN {_pieces(values, expected)} END"
    sql = f"SELECT *, {guess} AS guess FROM ({sql})"
    # A merge patch removes the keys that it sets to null, and leaves the object's own nulls.
    removed = ", ".join(
        f"CASE WHEN {value.fits} THEN {literal(dumps(value.key) + ':null')} END" for value in values
    )
    patched = f"json_merge_patch(properties, '{{' || concat_ws(',', {removed}) || '}}')"
    patched = f"CASE WHEN strlen(guess) + moved <> size THEN {patched} END"
    return f"SELECT *, {patched} AS patched FROM ({sql})"


def _pieces(values: Sequence[_Value], expected: Sequence[str]) -> str:
    """The rest if no key is in it but those that were expected, and found in the object."""
    fits = {value.key: value.fits for value in values}
    pieces = []
    for nth, key in enumerate(expected, 1):
        piece = f"{literal(dumps(key) + ':')} || found[{nth}]::VARCHAR"
        pieces.append(f"CASE WHEN {fits[key]} THEN NULL ELSE {piece} END" if key in fits else piece)
    return f"'{{' || concat_ws(',', {', '.join(pieces) or 'NULL'}) || '}}'"


def _stored(sql: str, columns: Sequence[Column], day: str) -> str:
    kept = [
        f"CASE WHEN time IS NOT NULL AND NOT exact_time THEN {KEPT_TIME} ELSE 0 END",
        f"CASE WHEN {is_number('j1')} THEN {KEPT_DISTINCT_ID} ELSE 0 END",
        f"CASE WHEN {is_number('j2')} THEN {KEPT_INSERT_ID} ELSE 0 END",
        f"CASE WHEN strlen(patched::VARCHAR) + moved <> size THEN {KEPT_WHOLE} ELSE 0 END",
    ]
    names = "".join(f", {column.name}" for column in columns)
    usual = f"exact_time AND {is_text('j1')} AND {is_text('j2')} AND patched IS NULL"
    return (
        f"SELECT event, time, distinct_id, insert_id, {day} AS day,"
        f" (CASE WHEN {usual} THEN 0 ELSE {' + '.join(kept)} END)::UTINYINT AS kept{names},"
        " CASE WHEN guess IS NULL THEN '{}'::JSON WHEN patched IS NULL THEN guess::JSON"
        " WHEN strlen(patched::VARCHAR) + moved = size THEN patched ELSE properties END AS rest"
        f" FROM ({sql})"
    )
