"""SQL that splits any JSON object into typed columns and a rest, so that nothing gets lost.

Never runs SQL and never sees a row: it only writes expressions. The quick way for usual objects is
in usual.py; how an object is rebuilt is in exact.py.

A value moves into a column only when the column can give back exactly that JSON value. Whether
nothing was lost is proven per row by length: DuckDB writes every JSON value in one normal form, so
the object's text is as long as its pieces together. What moved is subtracted; the rest has to be
as long as what is left. Where it is not (a key that was sent twice, for instance), the rest is the
whole object.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass

from mp_mcp.store.exact import (
    FIXED_KEYS,
    KEPT_WHOLE,
    Column,
    dumps,
    identifier,
    is_text,
    literal,
    shape,
)
from mp_mcp.store.typed import candidates, kept, typed


@dataclass(frozen=True)
class _Value:
    """One key that may move when `fits`; its value is in the columns `json` and `text`."""

    key: str
    json: str
    text: str
    fits: str


def split(source: str, columns: Sequence[Column], day: str) -> str:
    """A SELECT that reads (event, properties) from `source` and gives the stored columns.

    `day` is the expression of the day column over `time`. The steps are nested selects, so that
    DuckDB computes each value once and streams.
    """
    values = _values(columns)
    keys = literal(shape([value.key for value in values]))
    texts = ", ".join(
        f"s.{identifier(value.key)} AS {value.json}, {value.json}::VARCHAR AS {value.text}"
        for value in values
    )
    sql = f"SELECT event, properties, json_transform(properties, {keys}) AS s FROM ({source})"
    sql = f"SELECT event, properties, strlen(properties::VARCHAR) AS size, {texts} FROM ({sql})"
    sql = f"SELECT *, {candidates(columns)} FROM ({sql})"
    sql = f"SELECT *, {typed(columns)} FROM ({sql})"
    sql = f"SELECT *, {_moved(values)} AS moved FROM ({sql})"
    sql = f"SELECT *, {_patched(values)} AS patched FROM ({sql})"
    sql = (
        f"SELECT *, coalesce(strlen(patched::VARCHAR) + moved <> size, false) AS whole FROM ({sql})"
    )
    names = "".join(f", {column.name}" for column in columns)
    bits = " + ".join([*kept(), f"CASE WHEN whole THEN {KEPT_WHOLE} ELSE 0 END"])
    return (
        f"SELECT event, time, distinct_id, insert_id, {day} AS day, ({bits})::UTINYINT AS kept"
        f"{names}, CASE WHEN whole THEN properties ELSE coalesce(patched, '{{}}'::JSON) END AS rest"
        f" FROM ({sql})"
    )


def _values(columns: Sequence[Column]) -> list[_Value]:
    fits = ["exact_time", is_text("j1"), is_text("j2")]
    fits += [f"{column.name} IS NOT NULL" for column in columns]
    keys = [*FIXED_KEYS, *(column.key for column in columns)]
    return [
        _Value(key, f"v{nth}", f"j{nth}", fit)
        for nth, (key, fit) in enumerate(zip(keys, fits, strict=True))
    ]


def _moved(values: Sequence[_Value]) -> str:
    """The length of all moved `"key":value,` pieces."""
    return " + ".join(
        f"CASE WHEN {value.fits} THEN strlen({value.text}) + {len(dumps(value.key).encode()) + 2}"
        " ELSE 0 END"
        for value in values
    )


def _patched(values: Sequence[_Value]) -> str:
    """The object without what moved; NULL when nothing is left."""
    # A merge patch removes the keys that it sets to null, and leaves the object's own nulls.
    removed = ", ".join(
        f"CASE WHEN {value.fits} THEN {literal(dumps(value.key) + ':null')} END" for value in values
    )
    patch = f"json_merge_patch(properties, '{{' || concat_ws(',', {removed}) || '}}')"
    return f"CASE WHEN size <> moved + 1 THEN {patch} END"
