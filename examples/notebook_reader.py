"""Read the project's tables in a notebook, while agents and terminals go on working.

DuckDB lets one process write to a file, and a reader keeps a writer out. So: the file itself when
the server has let go of it (a minute after the last call that needed it), else a snapshot, which is
one committed state and never in anybody's way.

    .venv/bin/python examples/notebook_reader.py "SELECT event, count(*) FROM events GROUP BY 1"
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

MP = Path(sys.executable).with_name("mp")


def mp(*words: str) -> dict[str, Any]:
    """The answer of an `mp` command."""
    ran = subprocess.run([MP, *words, "--quiet", "-f", "json"], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@contextmanager
def connected() -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A connection that only reads, and what it leads to. Close it soon: writers wait for it."""
    path = mp("inspect", "workspace")["database"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            connection = duckdb.connect(path, read_only=True)
            found = "the file itself"
        except duckdb.IOException:
            snapshot = Path(folder) / "snapshot.db"
            mp("snapshot", str(snapshot))
            connection = duckdb.connect(snapshot, read_only=True)
            found = "a snapshot: the server is using the file"
        try:
            yield connection, found
        finally:
            connection.close()


def main() -> None:
    """Run the statement of the command line."""
    sql = " ".join(sys.argv[1:]) or "SHOW TABLES"
    with connected() as (connection, found):
        print(f"from {found}")
        for row in connection.sql(sql).fetchall():
            print(*row, sep="\t")


if __name__ == "__main__":
    main()
