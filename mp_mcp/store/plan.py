"""Which properties of an export get a stored column, and which stay in the rest: by its first rows.

Never changes the database: a wrong guess costs speed, never a value.
"""

# Names and literals are quoted by exact.py; values of users are parameters.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass, field

from duckdb import DuckDBPyConnection

from mp_mcp.store import exact, layout
from mp_mcp.store.exact import Column, Kind

_FREQUENT = 0.05
"""The share of sampled rows from which a new property gets a stored column."""
_FREQUENT_NOW = 0.1
"""The same for one that older rows have in the rest: its column is read together with the rest."""
_MOST_STORED = 100
"""Stored columns of a table: one costs every row about 0.2 microseconds to load, even if empty."""
_MOST_EXPECTED = 40
"""Keys of rests that are read with the columns; objects with others take the slow way."""
_FIXED_KINDS = dict(zip(exact.FIXED_KEYS, (Kind.NUMBER, Kind.TEXT, Kind.TEXT), strict=True))


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


@dataclass(frozen=True)
class Plan:
    """How to split an export: into columns, and a rest that mostly has the `expected` keys.

    The sample had only strings and nulls for the keys `texts`, which have text columns; of the
    expected ones, `nulls` had nulls.
    """

    columns: list[Column]
    expected: list[str] = field(default_factory=list)
    texts: frozenset[str] = frozenset()
    nulls: frozenset[str] = frozenset()


def make_plan(cursor: DuckDBPyConnection, source: str, known: Sequence[layout.Property]) -> Plan:
    """How to split what `source` is a sample of; the columns of the table stay columns."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE mp_sample AS FROM ({source})")
    counts = _counts_of_keys(cursor)
    taken = set(layout.RESERVED_KEYS)
    keys = []
    for key in _wanted(known, _shares(cursor, counts)):
        if layout.promotable(key, taken):
            taken.add(key.casefold())
            keys.append(key)
    others = [key for key in counts if key not in (*keys, *exact.FIXED_KEYS)]
    others = [key for key in others if layout.listable(key)][:_MOST_EXPECTED]
    seen = _seen_in_sample(cursor, [*keys, *exact.FIXED_KEYS, *others])
    cursor.execute("DROP TABLE mp_sample")
    kinds = {prop.key: prop.kind for prop in known} | {exact.PROCESSED_KEY: Kind.NUMBER}
    kinds = {key: kinds.get(key, seen[key].kind) for key in keys}
    columns = [Column(key, kinds[key], f"c{number}") for number, key in enumerate(keys)]
    kinds |= _FIXED_KINDS
    expected = _expected(counts, seen, kinds)
    return Plan(
        columns,
        expected,
        texts=frozenset(
            key
            for key, kind in kinds.items()
            if kind is Kind.TEXT and seen[key].values == seen[key].texts
        ),
        nulls=frozenset(key for key in expected if counts[key] > seen[key].values),
    )


def _wanted(known: Sequence[layout.Property], shares: dict[str, float]) -> list[str]:
    """Keys to consider for a column, the most certain first."""
    moved = [prop.key for prop in known if prop.column_name and prop.key != exact.PROCESSED_KEY]
    late = [prop.key for prop in known if not prop.column_name]
    late = [key for key in late if shares.get(key, 0) >= _FREQUENT_NOW]
    listed = {prop.key for prop in known} | {exact.PROCESSED_KEY}
    unlisted = max(layout.MAX_COLUMNS - len(known), 0)
    new = [key for key in shares if key not in listed and shares[key] >= _FREQUENT][:unlisted]
    room = max(_MOST_STORED - len(moved), 0)
    return [exact.PROCESSED_KEY, *moved, *(late + new)[:room]]


def _counts_of_keys(cursor: DuckDBPyConnection) -> dict[str, int]:
    """Keys and how often the sampled rows have them, the most frequent first."""
    found = cursor.execute(
        "SELECT key, count(*) FROM (SELECT unnest(json_keys(properties)) AS key FROM mp_sample)"
        f" GROUP BY key ORDER BY count(*) DESC, key LIMIT {2 * layout.MAX_COLUMNS}"
    ).fetchall()
    return dict(found)


def _shares(cursor: DuckDBPyConnection, counts: dict[str, int]) -> dict[str, float]:
    (rows,) = cursor.execute("SELECT count(*) FROM mp_sample").fetchall()[0]
    return {key: count / rows for key, count in counts.items()}


def _expected(counts: dict[str, int], seen: dict[str, Seen], kinds: dict[str, Kind]) -> list[str]:
    """The keys that most often stay in the rest: without a column, or with values that fit none."""
    moving = {key: seen[key].fitting(kind) for key, kind in kinds.items()}
    left = {key: count - moving.get(key, 0) for key, count in counts.items()}
    often = [key for key in left if left[key] > 0 and key in seen]
    return sorted(often, key=lambda key: -left[key])[:_MOST_EXPECTED]


def _seen_in_sample(cursor: DuckDBPyConnection, keys: Sequence[str]) -> dict[str, Seen]:
    pointers = ", ".join(map(exact.pointer, keys))
    found = cursor.execute(
        f"SELECT nth, {_counts('value')} FROM"
        f" (SELECT unnest(json_extract(properties, [{pointers}]))::VARCHAR AS value,"
        f" unnest(range({len(keys)})) AS nth FROM mp_sample)"
        " WHERE value IS NOT NULL GROUP BY nth"
    ).fetchall()
    counts = {nth: (texts, numbers, flags, nested) for nth, texts, numbers, flags, nested in found}
    return {key: Seen(key, *counts.get(nth, (0, 0, 0, 0))) for nth, key in enumerate(keys)}


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
        # A whole row has the values of its columns, too: only what they did not take counts.
        f" WHERE NOT (kept >= {exact.KEPT_WHOLE} AND ({_is_in_column('key', 'value')}))"
        " GROUP BY key ORDER BY list_contains($keys::VARCHAR[], key) DESC, count(*) DESC, key"
        f" LIMIT {limit}",
        {"keys": keys}
        | {kind.name: [column.key for column in columns if column.kind is kind] for kind in Kind},
    ).fetchall()
    return [Seen(*row) for row in found if row[0] not in exact.FIXED_KEYS]


def _is_in_column(key: str, value: str) -> str:
    """Whether the value is of the kind that the column of its key takes."""
    return " OR ".join(
        f"(list_contains(${kind.name}::VARCHAR[], {key}) AND {is_such})"
        for kind, is_such in _kinds(value).items()
    )


def _counts(value: str) -> str:
    """Counts of texts, numbers, flags and nested values among normal JSON texts."""
    return ", ".join(f"count(*) FILTER (WHERE {is_such})" for is_such in _kinds(value).values())


def _kinds(value: str) -> dict[Kind, str]:
    """Whether a normal JSON text is of a kind; long integers count as nested: no column fits."""
    short = f"(strlen({value}) <= 15 OR contains({value}, '.') OR contains({value}, 'e'))"
    number = exact.is_number(value)
    flag = f"{value} IN ('true', 'false')"
    nested = f"{value} >= '[' AND {value} <> 'null' AND NOT {flag}"
    return {
        Kind.TEXT: exact.is_text(value),
        Kind.NUMBER: f"({number} AND {short})",
        Kind.FLAG: f"({flag})",
        Kind.NESTED: f"(({number} AND NOT {short}) OR ({nested}))",
    }
