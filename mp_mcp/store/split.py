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
        f"{_unquoted('j1', other=_number_as_text('j1'))} AS distinct_id",
        f"{_unquoted('j2', other=_number_as_text('j2'))} AS insert_id",
    ]
    for nth, column in enumerate(columns, len(FIXED_KEYS)):
        typed.append(f"{_exactly(nth, column.kind)} AS {column.name}")
    return ", ".join(typed)


def _odd_time() -> str:
    """The time of fractions, milliseconds and numbers in strings."""
    epoch = f"TRY_CAST(CASE WHEN {is_text('j0')} THEN json_extract_string(j0, '$')"
    epoch += f" WHEN {is_number('j0')} THEN j0 END AS DOUBLE)"
    return (
        f"CASE WHEN {epoch} BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND}"
        f" THEN make_timestamp(round({epoch} * 1000000)::BIGINT)"
        f" WHEN {epoch} BETWEEN {_FIRST_SECOND}000 AND {_LAST_SECOND}000"
        f" THEN make_timestamp(round({epoch} * 1000)::BIGINT) END"
    )


def _number_as_text(text: str) -> str:
    return f"CASE WHEN {is_number(text)} THEN {text} END"


def _unquoted(text: str, other: str = "NULL") -> str:
    """The string that this JSON text is; `other` when it is none."""
    # Without an escape a string is what stands between its quotes.
    return (
        rf"CASE WHEN contains({text}, '\') THEN"
        f" CASE WHEN {is_text(text)} THEN json_extract_string({text}, '$') END"
        f" WHEN {is_text(text)} THEN substring({text}, 2, length({text}) - 2) ELSE {other} END"
    )


def _exactly(nth: int, kind: Kind) -> str:
    """The JSON value as this kind, NULL unless the column can give it back exactly."""
    text, number = f"j{nth}", f"n{nth}"
    match kind:
        case Kind.TEXT:
            return _unquoted(text)
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
            return f"v{nth}"


def _moved(values: Sequence[_Value]) -> str:
    """The length of all moved `"key":value,` pieces."""
    return " + ".join(
        f"CASE WHEN {value.fits} THEN strlen({value.text}) + {len(dumps(value.key).encode()) + 2}"
        " ELSE 0 END"
        for value in values
    )


def _with_rest(sql: str, values: Sequence[_Value], expected: Sequence[str]) -> str:
    """Adds `tail`, the text of the rest, and whether everything adds up with it."""
    pointers = ", ".join(map(pointer, expected))
    sql = (
        f"SELECT *, CASE WHEN size <> moved + 1 THEN json_extract(properties, [{pointers}]) END"
        f" AS found FROM ({sql})"
    )
    guess = f"CASE WHEN size = moved + 1 THEN '{{}}'::JSON ELSE {_pieces(values, expected)} END"
    sql = f"SELECT *, {guess} AS guess FROM ({sql})"
    # A merge patch removes the keys that it sets to null, and leaves the object's own nulls.
    removed = ", ".join(
        f"CASE WHEN {value.fits} THEN {literal(dumps(value.key) + ':null')} END" for value in values
    )
    patched = f"json_merge_patch(properties, '{{' || concat_ws(',', {removed}) || '}}')"
    tail = f"CASE WHEN {_adds_up('guess')} THEN guess ELSE {patched} END"
    sql = f"SELECT *, {tail} AS tail FROM ({sql})"
    return f"SELECT *, {_adds_up('tail')} AS adds_up FROM ({sql})"


def _pieces(values: Sequence[_Value], expected: Sequence[str]) -> str:
    """The rest if no key is in it but those that were expected, and found in the object."""
    fits = {value.key: value.fits for value in values}
    pieces = []
    for nth, key in enumerate(expected, 1):
        piece = f"{literal(dumps(key) + ':')} || found[{nth}]::VARCHAR"
        pieces.append(f"CASE WHEN {fits[key]} THEN NULL ELSE {piece} END" if key in fits else piece)
    return f"('{{' || concat_ws(',', {', '.join(pieces) or 'NULL'}) || '}}')::JSON"


def _adds_up(rest: str) -> str:
    # An empty rest has no comma before it, which saves one character.
    return f"(size = moved + 1 OR strlen({rest}::VARCHAR) + moved = size)"


def _stored(sql: str, columns: Sequence[Column], day: str) -> str:
    kept = [
        f"CASE WHEN time IS NOT NULL AND NOT exact_time THEN {KEPT_TIME} ELSE 0 END",
        f"CASE WHEN {is_number('j1')} THEN {KEPT_DISTINCT_ID} ELSE 0 END",
        f"CASE WHEN {is_number('j2')} THEN {KEPT_INSERT_ID} ELSE 0 END",
        f"CASE WHEN adds_up THEN 0 ELSE {KEPT_WHOLE} END",
    ]
    names = "".join(f", {column.name}" for column in columns)
    return (
        f"SELECT event, time, distinct_id, insert_id, {day} AS day,"
        f" ({' + '.join(kept)})::UTINYINT AS kept{names},"
        f" CASE WHEN adds_up THEN tail ELSE properties END AS rest FROM ({sql})"
    )
