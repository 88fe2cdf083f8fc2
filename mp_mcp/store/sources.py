"""A table as something to look at: its columns, and how to read a spread part of it.

Never reads a whole big table where a part says the same: DuckDB skips the blocks that a sample
leaves out.
"""

# Names are quoted by exact.py.
# ruff: noqa: S608

import re
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from mp_mcp.store import catalog
from mp_mcp.store.exact import identifier
from mp_mcp.store.translate import table_missing

REST = "_rest"
"""The column of our views that holds what has no column of its own."""

_BODY = re.compile(r" AS (?=SELECT\b)")
_SEED = 7
"""So that the same question has the same answer while nothing is written."""


@dataclass(frozen=True)
class Source:
    """A table or view that a query can name."""

    name: str
    kind: str
    columns: tuple[tuple[str, str], ...]
    """Name and type, in the table's order."""
    rows: int | None
    """None for a view that we did not make: counting could take minutes."""
    stored: str
    """The stored table, as SQL."""
    body: str | None
    """Of a view that we made: its SELECT."""

    @property
    def is_ours(self) -> bool:
        """Whether it is a view that mp made over a stored table."""
        return self.body is not None

    @property
    def has_rest(self) -> bool:
        """Whether some properties have no column."""
        return self.is_ours and any(name == REST for name, _ in self.columns)

    @property
    def sql(self) -> str:
        """The whole of it, for a FROM clause."""
        return f"main.{identifier(self.name)}"

    def is_read_whole(self, most: int) -> bool:
        """Whether `part` reads every row."""
        return self.rows is not None and self.rows <= most

    def part(self, most: int) -> str:
        """About `most` of its rows, spread over the table, for a FROM clause."""
        if self.is_read_whole(most):
            return self.sql
        if self.rows is None:
            return f"(SELECT * FROM {self.sql} LIMIT {most})"
        share = 100 * most / self.rows
        return self._over(f"{self.stored} TABLESAMPLE SYSTEM ({share:.6f}%) REPEATABLE ({_SEED})")

    def random(self, count: int, among: int) -> str:
        """`count` random rows, other ones each time, for a FROM clause."""
        if self.rows is None:
            return f"(SELECT * FROM (SELECT * FROM {self.sql} LIMIT {among}) USING SAMPLE {count})"
        some = self.stored
        if self.rows > among:
            some += f" TABLESAMPLE SYSTEM ({100 * among / self.rows:.6f}%)"
        return self._over(f"(SELECT * FROM {some}) USING SAMPLE {count}")

    def _over(self, rows: str) -> str:
        """What it shows of these rows of its stored table."""
        chosen = f"(SELECT * FROM {rows})"
        return chosen if self.body is None else f"({self.body.replace(self.stored, chosen)})"


def find(cursor: DuckDBPyConnection, name: str, names: catalog.Names) -> Source:
    """The table of this name in any spelling of its case.

    Raises: TableMissingError with the closest name.
    """
    spelled = next((known for known in names.listed if known.lower() == name.lower()), None)
    if spelled is None:
        raise table_missing(name, names.listed)
    kind, rows = catalog.kind_and_rows(cursor, spelled)
    columns = cursor.execute(f"DESCRIBE main.{identifier(spelled)}").fetchall()
    # As duckdb spells it in the view; a name of ours needs no quotes.
    stored = f"_mp.data_{spelled.lower()}"
    body = _body(cursor, spelled) if kind != "other" else None
    if body is not None and body.count(stored) != 1:
        body, rows = None, None
    return Source(
        name=spelled,
        kind=kind,
        columns=tuple((str(row[0]), str(row[1])) for row in columns),
        rows=rows,
        stored=stored if body else f"main.{identifier(spelled)}",
        body=body,
    )


def _body(cursor: DuckDBPyConnection, view: str) -> str | None:
    """The SELECT of a view; None for a table."""
    row = cursor.execute(
        "SELECT sql FROM duckdb_views() WHERE database_name = current_database()"
        " AND schema_name = 'main' AND view_name = ?",
        [view],
    ).fetchone()
    parts = _BODY.split(str(row[0]), maxsplit=1) if row else []
    return parts[1].rstrip().removesuffix(";") if len(parts) == 2 else None
