"""What a tool may do with the database: StoreReader reads, StoreWriter also writes.

Never imports duckdb: tools and the tool table are loaded without it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

from mp_mcp.results import Row, Rows
from mp_mcp.store.models import (
    ColumnReport,
    DroppedTable,
    Format,
    LoadReport,
    ProfileChoice,
    ProfilesReport,
    SavedTable,
    SpooledFile,
    TableInfo,
)
from mp_mcp.tool import Handle


class StoreReader(Handle, ABC):
    """Reads see the last committed state and never wait for a writer."""

    @abstractmethod
    async def query(
        self,
        sql: str,
        *,
        limit: int,
        offset: int = 0,
        timeout_s: float | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Rows:
        """Run one guarded SELECT (or EXPLAIN of one) and return at most `limit` rows.

        `params` are bound to the `$name` places of the SQL, all of them and no others.
        The reader's own bounds (rows, bytes, time) apply on top; `truncated` says that they cut.
        Raises: NotReadOnlyError, QueryError, QueryTimeoutError, TableMissingError,
        DatabaseLockedError.
        """

    @abstractmethod
    async def tables(self) -> list[TableInfo]:
        """Every table that a query can name, with row counts and covered days."""

    @abstractmethod
    async def schema(self, table: str) -> Rows:
        """A row per column of a table, then per property without one: fullness and examples.

        Of a big table only a part is read, here and in `describe`; the hint says so.
        Raises: TableMissingError, NotReadOnlyError for another program's view that does more than
        read tables, QueryTimeoutError, DatabaseLockedError; so do the next three.
        """

    @abstractmethod
    async def describe(self, table: str) -> Rows:
        """A row per column: count, nulls, distinct, ends, mean, quarters, the most frequent."""

    @abstractmethod
    async def sample(self, table: str, rows: int) -> Rows:
        """Up to `rows` random rows, from all over the table."""

    @abstractmethod
    async def column(self, table: str, column: str, *, top: int) -> ColumnReport:
        """One column, or property without a column, over all rows.

        Raises: also QueryError with the closest name when there is none.
        """

    @abstractmethod
    async def export(
        self, sql: str, form: Format, *, timeout_s: float | None = None
    ) -> SpooledFile:
        """Write the whole answer of one guarded SELECT into a new file of the spool.

        Nothing is left there when it fails or is cancelled.
        Raises: as `query`, and DiskFullError.
        """

    @abstractmethod
    async def snapshot(self) -> SpooledFile:
        """Write the last committed state of the whole database into a new file of the spool.

        Raises: DiskFullError, DatabaseLockedError, StoreError.
        """


class StoreWriter(Handle, ABC):
    """Writes: each is one transaction in the file's write queue."""

    writes: ClassVar[bool] = True

    @abstractmethod
    async def ready(self) -> None:
        """Get write access now, before anything costly is spent.

        Raises: DatabaseLockedError when a foreign program holds the file.
        """

    @abstractmethod
    async def days_to_fetch(
        self,
        table: str,
        days: tuple[date, date],
        *,
        events: tuple[str, ...] = (),
        where: str | None = None,
        refresh: bool = False,
        replace: bool = False,
        since: datetime | None = None,
        zone: str | None = None,
    ) -> list[date]:
        """Which days (first, last; inclusive) have to be downloaded, before anything is spent.

        Those that are missing or that late events may still change; with `refresh` all of them,
        but for those that this job has loaded or that were fetched `since` a UTC time. `replace`
        means that the table will be made anew; `zone` is only checked.
        Raises: TableExistsError, UsageError for an unknown zone, DatabaseLockedError.
        """

    @abstractmethod
    async def show_utc(self, table: str, zone: str) -> None:
        """Add the column time_utc to an event table whose times are those of this zone's clock.

        Raises: UsageError for an unknown zone, QueueFullError.
        """

    @abstractmethod
    async def count_rows(
        self, table: str, days: tuple[date, date], *, events: tuple[str, ...] = ()
    ) -> int:
        """Rows of these days (of these events) that an event table has now."""

    @abstractmethod
    def spool(self) -> AbstractAsyncContextManager[Path]:
        """A fresh folder for downloads that the load can read; removed at exit."""

    @abstractmethod
    async def load_events(
        self,
        table: str,
        files: Sequence[Path],
        *,
        days: tuple[date, date] | None,
        events: tuple[str, ...] = (),
        where: str | None = None,
        fetched_at: datetime | None = None,
        replace: bool = False,
    ) -> LoadReport:
        """Load export files (NDJSON, plain or gz, inside the spool) in one transaction.

        With `days` (first, last; inclusive) the rows replace those days of the table and mark them
        complete as of `fetched_at` (UTC); `events` restricts replacement and coverage to these
        event names. Without `days` (`mp load`) rows are added, and duplicates of rows that are
        there already are dropped. With `replace` the first load of a job makes the table anew.
        Raises: TableExistsError, IncompleteExportError, QueueFullError, DiskFullError,
        DatabaseLockedError.
        """

    @abstractmethod
    async def save(
        self, table: str, sql: str, *, replace: bool = False, timeout_s: float | None = None
    ) -> SavedTable:
        """Keep the answer of one guarded SELECT as a table; only the copy is a write.

        `replace` takes the place of a table that was saved before, never of another one.
        Raises: TableExistsError, UsageError for a bad name, NotReadOnlyError, QueryError,
        QueryTimeoutError, TableMissingError, QueueFullError, DiskFullError, DatabaseLockedError.
        """

    @abstractmethod
    async def keep_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row]
    ) -> SavedTable:
        """Keep rows as a table; it takes the place of one that was kept like this before.

        Raises: TableExistsError for any other one, UsageError for a bad name, QueueFullError,
        DiskFullError, DatabaseLockedError.
        """

    @abstractmethod
    async def drop(self, tables: Sequence[str]) -> list[DroppedTable]:
        """Remove tables with all that belongs to them: all of them, or none.

        Raises: TableMissingError, UsageError for a table that mp did not make, QueueFullError,
        DatabaseLockedError.
        """

    @abstractmethod
    async def require_profiles(
        self, table: str, choice: ProfileChoice, *, replace: bool = False
    ) -> None:
        """Get write access, and see that profiles of this choice may go into the table.

        Raises: TableExistsError when the name has another meaning, DatabaseLockedError.
        """

    @abstractmethod
    async def load_profiles(
        self, table: str, files: Sequence[Path], choice: ProfileChoice, *, replace: bool = False
    ) -> ProfilesReport:
        """Make the table hold what was spooled, in one transaction.

        Of the profiles that `choice` asks for (with `distinct_ids` only those), the ones that the
        files lack are removed. `replace` forgets what the table was before.
        Raises: TableExistsError, QueueFullError, DiskFullError, DatabaseLockedError.
        """
