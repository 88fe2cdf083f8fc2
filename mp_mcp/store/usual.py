"""SQL that splits usual JSON objects into typed columns and a rest, at half the cost of split.py.

Never runs SQL, never sees a row, and never guesses: an object that is not as the sample promised
is given back whole in the column `odd`, for split.py.

An object is usual when each of its keys is among those that the sample had, with a value of the
kind that the sample had. The proof, per row: it has as many keys as pieces were found, and its text
is as long as these pieces. So no key is unknown or there twice, and no text was a number: numbers
are read strictly, and a text that has been none is two quotes shorter than it looks.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mp_mcp.store.exact import FIXED_KEYS, dumps, identifier, is_text, literal, pointer
from mp_mcp.store.plan import Plan
from mp_mcp.store.typed import candidates, kept, typed

_ONE_KEY = 1 << 32
"""Keys and bytes are counted in one sum: a CASE per key costs more than anything it decides."""


@dataclass(frozen=True)
class _Piece:
    """A `"key":value` that is in the object when `there`; `size` is that of its JSON text."""

    key: str
    there: str
    size: str

    @property
    def counted(self) -> str:
        """One key, and the bytes of `"key":value,`."""
        more = _ONE_KEY + len(dumps(self.key).encode()) + 2
        return f"CASE WHEN {self.there} THEN {self.size} + {more} ELSE 0 END"


def usual(source: str, plan: Plan, day: str) -> str:
    """A SELECT of the stored columns and `odd`, from (event, properties) of `source`.

    `day` is the expression of the day column over `time`. The other columns of a row with `odd`
    say nothing.
    """
    keys = _read_keys(plan)
    moved, left, looked = _moved(plan, keys), _left(plan, keys), _looked(plan, keys)
    sql = _with_values(source, plan, keys)
    sql = f"SELECT *, {candidates(plan.columns)} FROM ({sql})"
    sql = f"SELECT *, {typed(plan.columns, plan.texts)} FROM ({sql})"
    rested = _sum([piece for piece, _ in left])
    sql = f"SELECT *, {_sum(moved)} AS moved, {rested} AS rested FROM ({sql})"
    sql = _with_looked_up(sql, plan, keys)
    sql = f"SELECT *, rested + {_sum([piece for piece, _ in looked])} AS remains FROM ({sql})"
    texts = ", ".join(text for _, text in [*left, *looked]) or "NULL"
    names = "".join(f", {column.name}" for column in plan.columns)
    return (
        f"SELECT event, time, distinct_id, insert_id, {day} AS day,"
        f" ({' + '.join(kept(plan.texts))})::UTINYINT AS kept{names},"
        f" CASE WHEN remains = 0 THEN '{{}}'::JSON"
        f" ELSE ('{{' || concat_ws(',', {texts}) || '}}')::JSON END AS rest,"
        f" CASE WHEN moved + remains <> whole THEN properties END AS odd FROM ({sql})"
    )


def _read_keys(plan: Plan) -> list[str]:
    """All keys that one reading of the object can give; DuckDB's struct names ignore case."""
    keys = [*FIXED_KEYS, *(column.key for column in plan.columns)]
    taken = {key.casefold() for key in keys}
    for key in plan.expected:
        if key not in plan.nulls and key.casefold() not in taken:
            taken.add(key.casefold())
            keys.append(key)
    return keys


def _with_values(source: str, plan: Plan, keys: Sequence[str]) -> str:
    shape = {key: "VARCHAR" if key in plan.texts else "JSON" for key in keys}
    sql = (
        f"SELECT event, properties, json_keys(properties) AS keys, json_transform(properties,"
        f" {literal(json.dumps(shape, ensure_ascii=False))}) AS s FROM ({source})"
    )
    values = ", ".join(
        f"s.{identifier(key)} AS v{nth}, v{nth}::VARCHAR AS j{nth}" for nth, key in enumerate(keys)
    )
    return (
        "SELECT event, properties, properties::VARCHAR AS object,"
        f" strlen(object) - 1 + len(keys) * {_ONE_KEY} AS whole,"
        f" contains(object, '\\') AS has_escapes, {values} FROM ({sql})"
    )


def _fits(plan: Plan) -> dict[str, str]:
    """Whether a column took the value, by key."""
    fits = dict(zip(FIXED_KEYS, ("exact_time", is_text("j1"), is_text("j2")), strict=True))
    fits |= {column.key: f"{column.name} IS NOT NULL" for column in plan.columns}
    texts = {key: f"j{nth} IS NOT NULL" for nth, key in enumerate(fits) if key in plan.texts}
    return fits | texts


def _moved(plan: Plan, keys: Sequence[str]) -> list[_Piece]:
    fits = _fits(plan)
    return [
        _Piece(key, fits[key], _size(plan, nth, key)) for nth, key in enumerate(keys) if key in fits
    ]


def _size(plan: Plan, nth: int, key: str) -> str:
    if key not in plan.texts:
        return f"strlen(j{nth})"
    return (
        f"CASE WHEN has_escapes THEN strlen(to_json(j{nth})::VARCHAR) ELSE strlen(j{nth}) + 2 END"
    )


def _left(plan: Plan, keys: Sequence[str]) -> list[tuple[_Piece, str]]:
    """Pieces for the rest that were read with the others, and their texts."""
    fits = _fits(plan)
    found = []
    for nth, key in enumerate(keys):
        if key in plan.texts or key not in plan.expected:
            continue
        # NULL AND NOT NULL: a value of JSON null is NULL here, and neither fits nor is there.
        there = f"j{nth} IS NOT NULL" + (f" AND ({fits[key]}) IS NOT TRUE" if key in fits else "")
        text = f"CASE WHEN {there} THEN {literal(dumps(key) + ':')} || j{nth} END"
        found.append((_Piece(key, there, f"strlen(j{nth})"), text))
    return found


def _sought(plan: Plan, keys: Sequence[str]) -> list[str]:
    """Expected keys that the one reading does not give, or that may be null."""
    return [key for key in plan.expected if key in plan.nulls or key not in keys]


def _with_looked_up(sql: str, plan: Plan, keys: Sequence[str]) -> str:
    """Adds f0, f1, ...: more values of those objects that have more keys than were found."""
    sought = _sought(plan, keys)
    if not sought:
        return sql
    pointers = ", ".join(map(pointer, sought))
    found = f"CASE WHEN moved + rested <> whole THEN json_extract(properties, [{pointers}]) END"
    values = []
    for nth, key in enumerate(sought):
        value = f"found[{nth + 1}]::VARCHAR"
        if key in keys:
            # Only its null was not read yet.
            value = f"CASE WHEN j{keys.index(key)} IS NULL THEN {value} END"
        values.append(f"{value} AS f{nth}")
    return f"SELECT *, {', '.join(values)} FROM (SELECT *, {found} AS found FROM ({sql}))"


def _looked(plan: Plan, keys: Sequence[str]) -> list[tuple[_Piece, str]]:
    return [
        (
            _Piece(key, f"f{nth} IS NOT NULL", f"strlen(f{nth})"),
            f"{literal(dumps(key) + ':')} || f{nth}",
        )
        for nth, key in enumerate(_sought(plan, keys))
    ]


def _sum(pieces: Sequence[_Piece]) -> str:
    return " + ".join(piece.counted for piece in pieces) or "0"
