"""Some rows of a table at random, as they are.

Never picks them from one place: a table is ordered by time, and its end is not its middle.
"""

# Names are quoted by exact.py.
# ruff: noqa: S608

from duckdb import DuckDBPyConnection

from mp_mcp.results import Rows
from mp_mcp.store import rest_keys
from mp_mcp.store.exact import identifier
from mp_mcp.store.pages import read_all
from mp_mcp.store.sources import REST, Source

AMONG = 200_000


def sample(cursor: DuckDBPyConnection, source: Source, *, rows: int) -> Rows:
    """Up to `rows` random rows; of a view of ours the object instead of hundreds of columns."""
    names = [name for name, _ in source.columns]
    hint = None
    if source.has_rest and "properties" in names:
        apart = rest_keys.property_columns(cursor, source)
        names = [name for name in names if name != REST and name not in apart]
        hint = "properties has everything; in SQL every property is a column, too."
    chosen = ", ".join(identifier(name) for name in names)
    picked = source.random(rows, AMONG)
    # The sample is taken once: its values are read as duckdb has them, then as text where needed.
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE mp_sampled AS SELECT {chosen} FROM {picked}")
    types, found = read_all(cursor, "FROM mp_sampled")
    return Rows.of(names, found, types=types, hint=hint)
