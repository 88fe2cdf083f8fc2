"""What a database takes on disk. Never opens a file: closing it would drop duckdb's lock.

Standard library only, because `mp status` uses it.
"""

from contextlib import suppress
from pathlib import Path


def of_database(path: Path) -> int:
    """The file and its log, in bytes: new rows are in the log alone until it is merged.

    Raises: OSError when there is no file.
    """
    size = path.stat().st_size
    with suppress(OSError):
        size += path.with_name(path.name + ".wal").stat().st_size
    return size
