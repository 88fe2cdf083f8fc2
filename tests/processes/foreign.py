"""The database file of a project, and another program that opens it, driven by lines on its pipes.

Never waits by the clock: every answer is a line.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mp_mcp.settings import Home

_PROGRAM = """
import json, sys
import duckdb
connection = None
for line in sys.stdin:
    word, path, sql = json.loads(line)
    try:
        if word == "open":
            connection = duckdb.connect(path, read_only=bool(sql))
            answer = "opened"
        elif word == "close":
            connection.close()
            answer = "closed"
        elif word == "try":
            duckdb.connect(path).close()
            answer = "opened"
        else:
            answer = connection.execute(sql).fetchall()
    except duckdb.IOException as error:
        answer = "locked" if "Could not set lock" in str(error) else str(error)
    print(json.dumps(answer), flush=True)
"""


class Foreign:
    """A running program, say a notebook."""

    def __init__(self, process: "subprocess.Popen[str]", path: Path) -> None:
        self._process = process
        self._path = path

    @property
    def pid(self) -> int:
        return self._process.pid

    def opens(self, *, read_only: bool = False) -> str:
        """Keep the file open from now on."""
        return str(self._ask("open", "1" if read_only else ""))

    def closes(self) -> None:
        self._ask("close")

    def tries(self) -> str:
        """`opened` or `locked`: whether it could open the file for writing just now."""
        return str(self._ask("try"))

    def runs(self, sql: str) -> Any:
        return self._ask("run", sql)

    def _ask(self, word: str, sql: str = "") -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([word, str(self._path), sql]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def database(home: Home, environ: Mapping[str, str]) -> Path:
    """Where the project's file is for the simulated Mixpanel."""
    host_and_port = environ["MP_API_BASE_URL"].removeprefix("http://").replace(":", "-")
    return home.path / "data" / host_and_port / f"{environ['MP_PROJECT_ID']}.db"


@contextmanager
def foreign_program(path: Path) -> Iterator[Foreign]:
    """A program that has not opened the file yet; it ends with the context."""
    path.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Foreign(process, path)
    finally:
        process.kill()
        process.communicate()
