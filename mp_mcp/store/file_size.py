"""What a database takes on disk. Never opens a file: closing it would drop duckdb's lock.

Standard library only, because `mp status` uses it.
"""

from contextlib import suppress
from pathlib import Path


def of_database(path: Path) -> int:
    """The file and its log, in bytes: new rows are in the log alone until it is merged.

    Raises: OSError when there is no file.
    """
    return path.stat().st_size + of_log(path)


def of_log(path: Path) -> int:
    """The log of this database, in bytes; 0 when there is none."""
    with suppress(OSError):
        return path.with_name(path.name + ".wal").stat().st_size
    return 0
