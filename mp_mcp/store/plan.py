"""Which properties of an export get a stored column, judged by the first rows of it.

Never changes the database: a wrong guess costs speed, never a value.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from mp_mcp.store import exact, layout
from mp_mcp.store.exact import Column, Kind, identifier, literal

_FREQUENT = 0.05
"""The share of sampled rows from which a new property gets a stored column."""
_FREQUENT_NOW = 0.1
"""The same for one that older rows have in the rest: its column is read together with the rest."""
_MOST_STORED = 100
"""Stored columns of a table: one costs every row about 0.2 microseconds to load, even if empty."""


@dataclass(frozen=True)
class Seen:
    """How many values of a key had which JSON type; integers that a double cannot hold for sure
    count as nested, because only a JSON column shows them."""

    key: str
    texts: int
    numbers: int
    flags: int
    nested: int

    @property
    def values(self) -> int:
        """Values that say something."""
        return self.texts + self.numbers + self.flags + self.nested

    @property
    def kind(self) -> Kind:
        """The most frequent type; text when there was none."""
        counts = dict(zip(Kind, (self.texts, self.numbers, self.flags, self.nested), strict=True))
        return max(counts, key=lambda kind: counts[kind])

    def fitting(self, kind: Kind) -> int:
        """Values that a column of this kind shows; a JSON column shows them all."""
        match kind:
            case Kind.TEXT:
                return self.texts
            case Kind.NUMBER:
                return self.numbers
            case Kind.FLAG:
                return self.flags
            case Kind.NESTED:
                return self.values


def choose_columns(
    cursor: DuckDBPyConnection, source: str, known: Sequence[layout.Property]
) -> list[Column]:
    """The columns to split `source` into: those that the table has, and new frequent ones."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE mp_sample AS FROM ({source})")
    taken = set(layout.RESERVED_KEYS)
    keys = []
    for key in _wanted(known, _frequent_keys(cursor)):
        if layout.promotable(key, taken):
            taken.add(key.casefold())
            keys.append(key)
    seen = _seen_in_sample(cursor, keys)
    cursor.execute("DROP TABLE mp_sample")
    kinds = {prop.key: prop.kind for prop in known} | {exact.PROCESSED_KEY: Kind.NUMBER}
    return [
        Column(one.key, kinds.get(one.key, one.kind), f"c{number}")
        for number, one in enumerate(seen)
    ]


def _wanted(known: Sequence[layout.Property], shares: dict[str, float]) -> list[str]:
    """Keys to consider, the most certain first."""
    moved = [prop.key for prop in known if prop.column_name and prop.key != exact.PROCESSED_KEY]
    late = [prop.key for prop in known if not prop.column_name]
    late = [key for key in late if shares.get(key, 0) >= _FREQUENT_NOW]
    listed = {prop.key for prop in known} | {exact.PROCESSED_KEY}
    unlisted = max(layout.MAX_COLUMNS - len(known), 0)
    new = [key for key in shares if key not in listed][:unlisted]
    room = max(_MOST_STORED - len(moved), 0)
    return [exact.PROCESSED_KEY, *moved, *(late + new)[:room]]


def _frequent_keys(cursor: DuckDBPyConnection) -> dict[str, float]:
    """Keys and their share of the sampled rows, the most frequent first."""
    found = cursor.execute(
        "SELECT key, count(*) / (SELECT count(*) FROM mp_sample) AS share FROM"
        " (SELECT unnest(json_keys(properties)) AS key FROM mp_sample) GROUP BY key"
        f" HAVING share >= {_FREQUENT} ORDER BY share DESC, key LIMIT {layout.MAX_COLUMNS}"
    ).fetchall()
    return dict(found)


def _seen_in_sample(cursor: DuckDBPyConnection, keys: Sequence[str]) -> list[Seen]:
    values = ", ".join(f"s.{identifier(key)}::VARCHAR" for key in keys)
    shape = literal(exact.shape(keys))
    found = cursor.execute(
        f"SELECT nth, {_counts('value')} FROM"
        f" (SELECT unnest([{values}]) AS value, unnest(range({len(keys)})) AS nth FROM"
        f" (SELECT json_transform(properties, {shape}) AS s FROM mp_sample))"
        " WHERE value IS NOT NULL GROUP BY nth"
    ).fetchall()
    counts = {nth: (texts, numbers, flags, nested) for nth, texts, numbers, flags, nested in found}
    return [Seen(key, *counts.get(nth, (0, 0, 0, 0))) for nth, key in enumerate(keys)]


def seen_in_rest(
    cursor: DuckDBPyConnection, staged: str, columns: Sequence[Column], limit: int
) -> list[Seen]:
    """The keys in the rests of a staged table: those of its columns, then the most frequent."""
    keys = [column.key for column in columns]
    found = cursor.execute(
        f"SELECT key, {_counts('value')} FROM"
        " (SELECT key, kept, (rest -> ('/' || replace(replace(key, '~', '~0'), '/', '~1')))"
        "::VARCHAR AS value FROM"
        f" (SELECT unnest(json_keys(rest)) AS key, rest, kept FROM {staged}"
        " WHERE rest::VARCHAR <> '{}'))"
        # A whole row has the values of its columns, too.
        f" WHERE NOT (kept >= {exact.KEPT_WHOLE} AND list_contains($keys::VARCHAR[], key))"
        " GROUP BY key ORDER BY list_contains($keys::VARCHAR[], key) DESC, count(*) DESC, key"
        f" LIMIT {limit}",
        {"keys": keys},
    ).fetchall()
    return [Seen(*row) for row in found if row[0] not in exact.FIXED_KEYS]


def _counts(value: str) -> str:
    """Counts of texts, numbers, flags and nested values among normal JSON texts."""
    short = f"(strlen({value}) <= 15 OR contains({value}, '.') OR contains({value}, 'e'))"
    number = exact.is_number(value)
    flag = f"{value} IN ('true', 'false')"
    return (
        f"count(*) FILTER (WHERE {exact.is_text(value)}),"
        f" count(*) FILTER (WHERE {number} AND {short}), count(*) FILTER (WHERE {flag}),"
        f" count(*) FILTER (WHERE ({number} AND NOT {short})"
        f" OR ({value} >= '[' AND {value} <> 'null' AND NOT {flag}))"
    )
