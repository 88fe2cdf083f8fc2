"""What a tool may do with the database: StoreReader reads, StoreWriter also writes.

Never imports duckdb: tools and the tool table are loaded without it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import ClassVar

from mp_mcp.results import Rows
from mp_mcp.store.models import LoadReport, ProfileChoice, ProfilesReport, TableInfo
from mp_mcp.tool import Handle


class StoreReader(Handle, ABC):
    """Reads see the last committed state and never wait for a writer."""

    @abstractmethod
    async def query(
        self, sql: str, *, limit: int, offset: int = 0, timeout_s: float | None = None
    ) -> Rows:
        """Run one guarded SELECT (or EXPLAIN of one) and return at most `limit` rows.

        The reader's own bounds (rows, bytes, time) apply on top; `truncated` says that they cut.
        Raises: NotReadOnlyError, QueryError, QueryTimeoutError, TableMissingError,
        DatabaseLockedError.
        """

    @abstractmethod
    async def tables(self) -> list[TableInfo]:
        """Every table that a query can name, with row counts and covered days."""


class StoreWriter(Handle, ABC):
    """Writes: each is one transaction in the file's write queue."""

    writes: ClassVar[bool] = True

    @abstractmethod
    async def ready(self) -> None:
        """Get write access now, before anything costly is spent.

        Raises: DatabaseLockedError when a foreign program holds the file.
        """

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
    ) -> LoadReport:
        """Load export files (NDJSON, plain or gz, inside the spool) in one transaction.

        With `days` (first, last; inclusive) the rows replace those days of the table and mark them
        complete; `events` restricts replacement and coverage to these event names. Without `days`
        (`mp load`) rows are added, and duplicates of rows that are there already are dropped.
        Raises: TableExistsError, IncompleteExportError, QueueFullError, DiskFullError,
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
