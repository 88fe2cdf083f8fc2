"""How a project's database file is opened: with which settings, and what is locked after.

Never decides when: `database.py` opens, waits and closes.
"""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import duckdb

from mp_mcp.errors import StoreError
from mp_mcp.store.locks import Holder

MAX_THREADS = 8
MEMORY_PERCENT = 25.0

Prepare = Callable[[duckdb.DuckDBPyConnection, bool], None]
"""What to do with an open file before its use; told whether it is open read-only."""


class Opening(TypedDict):
    """What is the same whenever a file is opened."""

    prepare: Prepare | None
    memory_percent: float


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Instance:
    """An open database file."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    file_id: tuple[int, int] | None
    read_only: bool
    holder: Holder | None = None
    """The foreign reader that keeps us from writing, if that is the reason for read_only."""

    def is_current(self) -> bool:
        """Whether the path still is the file that is open (asks the folder, not the file)."""
        return _file_id(self.path) == self.file_id

    def close(self) -> None:
        """Checkpoint, so that any program can open the file alone, and let go of it."""
        if not self.read_only:
            try:
                self.connection.execute("CHECKPOINT")
            except duckdb.Error as error:
                logger.warning("%s was closed without a checkpoint: %s", self.path.name, error)
        self.connection.close()


def open_instance(
    path: Path,
    spool: Path,
    *,
    holder: Holder | None = None,
    read_only: bool = False,
    prepare: Prepare | None = None,
    memory_percent: float = MEMORY_PERCENT,
) -> Instance:
    """Open the file; `prepare` sees it before anybody uses it.

    Raises: duckdb.Error, StoreError when the folder cannot be made.
    """
    is_new = not path.exists()
    if is_new:
        _make_folder(path.parent)
    connection = duckdb.connect(path, read_only=read_only, config=_config(path, memory_percent))
    try:
        if is_new:
            # The folder may be older than us and open to others. chmod does not open the file.
            path.chmod(0o600)
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        if prepare is not None:
            connection.execute("BEGIN TRANSACTION")
            prepare(connection, read_only)
            connection.execute("COMMIT")
        _lock(connection, spool)
    except BaseException:
        connection.close()
        raise
    return Instance(connection, path, _file_id(path), read_only, holder)


def _config(path: Path, memory_percent: float) -> dict[str, str | bool | int | float | list[str]]:
    free = shutil.disk_usage(path.parent).free
    return {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
        "memory_limit": f"{memory_percent:g}%",
        "threads": str(min(os.cpu_count() or 1, MAX_THREADS)),
        # Memory of queries that are over goes back to the system, also while nobody asks.
        "allocator_background_threads": "true",
        "max_temp_directory_size": f"{free // 2**21}MiB",
        "temp_directory": f"{path}.tmp",
        # True, although loads would take less memory without: pages of a query must not overlap.
        "preserve_insertion_order": "true",
        # A checkpoint merges small row groups, the leftovers of replaced days among them. Without a
        # limit, or after each small load of a fetch, it would write half of the fetch once more.
        "max_vacuum_tasks": "1",
        "checkpoint_threshold": "64MiB",
        # Files that DuckDB 1.5 can open, so that an upgrade can be undone.
        "storage_compatibility_version": "v1.5.0",
    }


def _lock(connection: duckdb.DuckDBPyConnection, spool: Path) -> None:
    """From here on no SQL can reach a file outside the spool, or change a setting."""
    folder = str(spool).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{folder}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The data folder {folder} cannot be made: {error.strerror}.",
            hint="Make it yourself, or set MP_HOME to a folder that you can write.",
        ) from error


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
