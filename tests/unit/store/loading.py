"""Loads export lines into a database in memory and reads them back.

Never checks anything itself.
"""

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from mp_mcp.store import layout, load, schema
from mp_mcp.store.models import LoadReport

JAN_1, JAN_2, JAN_3 = date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)
NOON = 1735732800  # of JAN_1
DAY = 86400

_numbers = itertools.count()


class Loader:
    """One database in memory and a folder for export files."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.cursor = cursor
        self.folder = folder
        self.rejects = folder / "rejects.jsonl"

    def file(self, lines: Iterable[str | bytes], *, packed: bool = False) -> Path:
        """An export file of these lines."""
        raw = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
        return self.raw_file(gzip.compress(raw) if packed else raw)

    def raw_file(self, raw: bytes) -> Path:
        """An export file of these bytes."""
        path = self.folder / f"export-{next(_numbers)}.jsonl"
        path.write_bytes(raw)
        return path

    def stage(
        self,
        files: Sequence[Path],
        table: str = "events",
        *,
        days: tuple[date, date] | None = None,
        events: Sequence[str] = (),
    ) -> load.Staged:
        """Stage on the only cursor."""
        return load.stage_events(
            self.cursor, table, files, days=days, events=events, rejects=self.rejects
        )

    def swap(
        self,
        staged: load.Staged,
        *,
        where: str | None = None,
        job_id: str | None = None,
        fetched_at: datetime | None = None,
        anew_for: str | None = None,
    ) -> LoadReport:
        """Swap in a transaction, as the write queue does."""
        self.cursor.execute("BEGIN")
        try:
            report = load.swap_events(
                self.cursor,
                staged,
                where=where,
                job_id=job_id or f"job-{next(_numbers)}",
                fetched_at=fetched_at,
                anew_for=anew_for,
            )
        except BaseException:
            self.cursor.execute("ROLLBACK")
            raise
        self.cursor.execute("COMMIT")
        return report

    def load(
        self,
        lines: Iterable[str | bytes],
        table: str = "events",
        *,
        days: tuple[date, date] | None = None,
        events: Sequence[str] = (),
        **more: Any,
    ) -> LoadReport:
        """Stage and swap."""
        staged = self.stage([self.file(lines)], table, days=days, events=events)
        return self.swap(staged, **more)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """All rows of a query."""
        return self.cursor.execute(sql).fetchall()

    def values(self, sql: str) -> list[object]:
        """The first column of a query."""
        return [row[0] for row in self.rows(sql)]

    def objects(self, table: str = "events") -> list[object]:
        """Every `properties` of a table, decoded."""
        return [json.loads(str(text)) for text in self.values(f"SELECT properties FROM {table}")]


@contextmanager
def fresh_loader() -> Iterator[Loader]:
    """A loader on a new database."""
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": "2"}) as cursor:
        cursor.execute("SET GLOBAL TimeZone = 'UTC'")
        schema.ensure_schema(cursor)
        yield Loader(cursor, Path(folder))


@contextmanager
def emptied(loader: Loader) -> Iterator[None]:
    """Afterwards no table is left: much faster than a new database per example."""
    try:
        yield
    finally:
        for table in loader.values("SELECT name FROM _mp.tables"):
            layout.drop_table(loader.cursor, str(table))


def line(event: str = "Login", /, **properties: object) -> str:
    """One export line, at NOON unless `time` says otherwise."""
    return json.dumps({"event": event, "properties": {"time": NOON, **properties}})


def same(one: object, other: object) -> bool:
    """Whether two JSON values are equal: 5 and 5.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if one != one and other != other:  # NaN
        return True
    return isinstance(one, bool) is isinstance(other, bool) and one == other
