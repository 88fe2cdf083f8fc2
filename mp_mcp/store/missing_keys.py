"""Properties that a query reads by a constant name and that no table of it has: NULL in every row.

Never changes an answer and never claims what is not sure: it writes the hint beside it.
"""

import duckdb

from mp_mcp.store import layout
from mp_mcp.store.exact import FIXED_KEYS, PROCESSED_KEY
from mp_mcp.store.guarded import Judged
from mp_mcp.wording import closest

SHOWN = 3
"""Names that a hint tells of."""


class KeysCache:
    """The known properties of tables, read again only after something was written."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, frozenset[str] | None]] = {}

    def get(
        self, cursor: duckdb.DuckDBPyConnection, generation: int, table: str
    ) -> frozenset[str] | None:
        """All of them; None when not all are known. `generation` is as of the transaction."""
        kept = self._kept.get(table)
        if kept is None or kept[0] != generation:
            kept = self._kept[table] = (generation, _keys_of_table(cursor, table))
        return kept[1]


def hint_for(cursor: duckdb.DuckDBPyConnection, judged: Judged, cache: KeysCache) -> str | None:
    """Which of the properties that a query names do not exist, and what may be meant."""
    if not judged.checked.keys:
        return None
    known: set[str] = set()
    tables = []
    for path in sorted(judged.checked.tables):
        key = judged.names.key(path)
        if key is None:
            continue  # a name of a WITH, or a listing of duckdb's own
        if key[0] != "main" or key in judged.names.foreign_views:
            return None
        keys = cache.get(cursor, judged.generation, key[1])
        if keys is None:
            return None
        tables.append(key[1])
        known |= keys
    missing = sorted(judged.checked.keys - known) if tables else []
    told = [_told(key, known, ", ".join(sorted(set(tables)))) for key in missing[:SHOWN]]
    return " ".join(told) or None


def _keys_of_table(cursor: duckdb.DuckDBPyConnection, name: str) -> frozenset[str] | None:
    table = layout.find_table(cursor, name)
    if table is None or table.unlisted or table.kind in layout.KEPT:
        return None
    listed = {prop.key for prop in layout.properties_of(cursor, table.name)}
    return frozenset((*FIXED_KEYS, PROCESSED_KEY, *listed))


def _told(key: str, known: set[str], tables: str) -> str:
    plain = {_plain(name): name for name in sorted(known)}
    close = [plain[name] for name in closest(_plain(key), plain, 3)]
    more = f"close: {', '.join(close)}" if close else "inspect_schema lists them"
    return f"No property {key[:80]} in {tables}; {more}."


def _plain(name: str) -> str:
    return name.casefold().lstrip("$")
