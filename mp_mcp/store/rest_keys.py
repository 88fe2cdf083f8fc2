"""The properties of a table that have no column of their own: they live in its rest.

Never reads more than a sample of a big table: a key that few rows have may be missed there.
"""

# Names are quoted by exact.py.
# ruff: noqa: S608

from dataclasses import dataclass, field

from duckdb import DuckDBPyConnection

from mp_mcp.store.sources import REST, Source

MOST_ROWS = 200_000
MOST_KEYS = 2_000


@dataclass(frozen=True)
class Tail:
    """Properties that only prop() reaches; how many of `rows` have each, most frequent first."""

    rows: int = 0
    keys: dict[str, int] = field(default_factory=dict)


def tail_of(cursor: DuckDBPyConnection, source: Source) -> Tail:
    """The keys of the rest that no column shows."""
    if not source.has_rest:
        return Tail()
    part = source.part(MOST_ROWS)
    total = cursor.execute(f"SELECT count(*) FROM {part}").fetchall()[0][0]
    rows = cursor.execute(
        f"SELECT key, count(*) FROM (SELECT unnest(json_keys({REST})) AS key FROM {part})"
        # By their keys: a view may show `Plan` as Plan_2.
        " WHERE key NOT IN (SELECT key FROM _mp.columns WHERE lower(table_name) = lower($table))"
        f" GROUP BY key ORDER BY count(*) DESC, key LIMIT {MOST_KEYS}",
        {"table": source.name},
    ).fetchall()
    shown = {name for name, _ in source.columns}
    return Tail(int(total), {str(key): int(count) for key, count in rows if key not in shown})


def property_columns(cursor: DuckDBPyConnection, source: Source) -> dict[str, str]:
    """Property by the column that shows it: where its name was taken, the column has another."""
    if not source.has_rest:
        return {}
    rows = cursor.execute(
        "SELECT view_name, key FROM _mp.columns WHERE lower(table_name) = lower(?)", [source.name]
    ).fetchall()
    return {str(name): str(key) for name, key in rows}
