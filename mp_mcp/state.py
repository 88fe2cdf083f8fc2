"""state.db: what outlives a server (budget, cached answers, jobs, calls), in one SQLite file.

Never opened by two processes (only the lease's holder does), and never the reason that a call
fails: where the file cannot be written, the state lives on in memory, and the log says so.
"""

import logging
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mp_mcp.errors import SettingsError

logger = logging.getLogger(__name__)

MIGRATIONS = (
    """
    CREATE TABLE salt (value BLOB NOT NULL);
    CREATE TABLE budget_unit (
        id INTEGER PRIMARY KEY, project TEXT NOT NULL, kind TEXT NOT NULL,
        started REAL NOT NULL, units INTEGER NOT NULL, is_ours INTEGER NOT NULL
    );
    CREATE INDEX budget_unit_place ON budget_unit (project, kind, started);
    CREATE TABLE budget_quota (
        project TEXT NOT NULL, kind TEXT NOT NULL, per_window INTEGER, at_once INTEGER,
        PRIMARY KEY (project, kind)
    ) WITHOUT ROWID;
    CREATE TABLE answer (
        key TEXT PRIMARY KEY, asked REAL NOT NULL, expires REAL NOT NULL,
        bytes INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE INDEX answer_expiry ON answer (expires);
    CREATE INDEX answer_age ON answer (asked, bytes);
    """,
    """
    CREATE TABLE job (
        id TEXT PRIMARY KEY, project TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL,
        asking TEXT NOT NULL, client TEXT NOT NULL, state TEXT NOT NULL, started REAL NOT NULL,
        ended REAL, done REAL, total REAL, message TEXT, result TEXT, error TEXT
    );
    CREATE INDEX job_age ON job (project, started);
    """,
    """
    CREATE TABLE call (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, project TEXT NOT NULL, client TEXT NOT NULL,
        program TEXT, is_human INTEGER NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL,
        is_exact INTEGER NOT NULL, seconds REAL NOT NULL, rows INTEGER, units INTEGER NOT NULL,
        cached INTEGER, outcome TEXT NOT NULL, message TEXT, job TEXT, bytes INTEGER NOT NULL
    );
    CREATE INDEX call_age ON call (at);
    CREATE INDEX call_job ON call (job) WHERE job IS NOT NULL;
    """,
)
"""Each brings the file from the version that is its index to the next one."""

EXPECTED = (
    "SELECT value FROM salt LIMIT 0",
    "SELECT id, project, kind, started, units, is_ours FROM budget_unit LIMIT 0",
    "SELECT project, kind, per_window, at_once FROM budget_quota LIMIT 0",
    "SELECT key, asked, expires, bytes, body FROM answer LIMIT 0",
    (
        "SELECT id, project, tool, arguments, asking, client, state, started, ended, done, total,"
        " message, result, error FROM job LIMIT 0"
    ),
    (
        "SELECT id, at, project, client, program, is_human, tool, arguments, is_exact, seconds,"
        " rows, units, cached, outcome, message, job, bytes FROM call LIMIT 0"
    ),
)
"""What has to be there: a file that somebody else changed is as good as damaged."""

DAMAGED = ".damaged"

RESCUED = ("salt", "budget_unit", "budget_quota", "job", "call")
"""Tables that are taken along to memory; answers can be asked for again."""

_UNUSABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""Failures of the file; any other error is a mistake of ours."""


class State:
    """The open file. Times in it are seconds since 1970. Use it from one thread only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.salt = self._salt()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        return self._executed(sql, values)

    def change(self, sql: str, *values: Any) -> None:
        """Run one statement that changes something; it is on disk when this returns."""
        self._executed(sql, values)

    @property
    def is_kept(self) -> bool:
        """Whether it is in the file, and outlives the process."""
        return bool(self._connection.execute("PRAGMA database_list").fetchone()[2])

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _executed(self, sql: str, values: Sequence[Any]) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            if not _is_about_the_file(error):
                raise
            logger.warning("state.db cannot be used, going on in memory: %s", error)
            self._move_to_memory()
            return self._connection.execute(sql, values).fetchall()

    def _move_to_memory(self) -> None:
        """Take along what can still be read."""
        memory = _connect(":memory:")
        _migrate(memory)
        for table in RESCUED:
            with suppress(sqlite3.Error):
                for row in self._connection.execute(f"SELECT * FROM {table}"):  # noqa: S608
                    places = ", ".join("?" * len(row))
                    memory.execute(f"INSERT INTO {table} VALUES ({places})", row)  # noqa: S608
        self.close()
        self._connection = memory

    def _salt(self) -> bytes:
        found = self.rows("SELECT value FROM salt")
        if not found:
            self.change("INSERT INTO salt VALUES (?)", secrets.token_bytes(32))
            found = self.rows("SELECT value FROM salt")
        return bytes(found[0][0])


def _is_about_the_file(error: sqlite3.DatabaseError) -> bool:
    # The low byte is the error, the others say more about it.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the content is wrong; anything else may pass, and the file is good."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return not _is_about_the_file(error) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_state(path: Path) -> State:
    """Open or create the file; a damaged one is set aside, never deleted.

    Raises: SettingsError when a newer version of mp-mcp wrote it.
    """
    try:
        return _opened(str(path))
    except sqlite3.DatabaseError as error:
        if _is_damage(error):
            logger.warning("state.db is damaged and set aside as %s: %s", DAMAGED, error)
            with suppress(OSError):
                path.replace(path.with_suffix(DAMAGED))
            with suppress(sqlite3.Error):
                return _opened(str(path))
        logger.warning("state.db cannot be used, going on in memory: %s", error)
        return _opened(":memory:")


def _opened(name: str) -> State:
    connection = _connect(name)
    try:
        _migrate(connection)
        for question in EXPECTED:
            connection.execute(question)
        return State(connection)
    except BaseException:
        connection.close()
        raise


def _connect(name: str) -> sqlite3.Connection:
    # Transactions are ours to begin and to end.
    return sqlite3.connect(name, isolation_level=None, timeout=1.0)


def _migrate(connection: sqlite3.Connection) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise SettingsError(
            f"state.db was written by a newer mp-mcp (version {version} of its schema).",
            hint="Update this mp-mcp, or move state.db away: it holds the spent budget, "
            "jobs, the history of calls and a cache of answers.",
        )
    # No other program can then lock us out, be it only by looking into the file.
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    # Durable against a kill of the process; a power cut may cost the last seconds.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN;{script};PRAGMA user_version={number};COMMIT;")
