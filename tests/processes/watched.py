"""A server under attack: what another process sees of its file, and what may not change.

Never looks at the server's insides.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent
from tests.processes.foreign import Foreign, foreign_program
from tests.unit.store.hostile import FOREIGN, filled_in, make_places

STATE = """
SELECT (SELECT list(a) FROM t),
       (SELECT list(name || '=' || setting ORDER BY name) FROM pg_catalog.pg_settings),
       (SELECT list(sql ORDER BY sql) FROM duckdb_tables()),
       (SELECT list(sql ORDER BY sql) FROM duckdb_views()),
       (SELECT count(*) FROM duckdb_functions()), (SELECT count(*) FROM duckdb_types()),
       (SELECT count(*) FROM duckdb_indexes()), (SELECT list(schema_name) FROM duckdb_schemas()),
       (SELECT list(database_name) FROM duckdb_databases()), current_schemas(true)
"""
VOLATILE = {".wal", ".tmp", ".db-wal", ".db-shm"}


class Watched:
    """A server under attack, and what must not change about it."""

    def __init__(self, home: Home, agent: Agent, foreign: Foreign, db: Path, spool: Path) -> None:
        self.home = home
        self.agent = agent
        self.foreign = foreign
        self.db = db
        self.spool = spool
        self.before = self._state()

    def answer(self, sql: str, **arguments: Any) -> dict[str, Any]:
        """The whole result of a query: rows, or an error."""
        call = self.agent.start_call(
            "query_sql", sql=filled_in(sql, self.db, self.spool), **arguments
        )
        result: dict[str, Any] = self.agent.wait(call)["result"]
        return result

    def is_ours(self, sql: str) -> None:
        """No second program can open the file."""
        assert self.foreign.tries() == "locked", sql[:200]

    def is_untouched(self, sql: str) -> None:
        """The next query is answered, and neither rows nor settings nor files are others."""
        assert self._state() == self.before, sql[:200]

    def _state(self) -> tuple[object, ...]:
        """What SQL sees, what another program may do, and which files there are."""
        sql = f"SELECT md5(s::VARCHAR) FROM ({STATE}) AS s"
        rows = self.agent.call("query_sql", sql=sql)["rows"]
        pid = lease.server_info(self.home).get("pid")
        files = {file for file in self.home.path.rglob("*") if file.suffix not in VOLATILE}
        return rows, self.foreign.tries(), pid, files


@contextmanager
def under_attack(home: Home, offline: Mapping[str, str]) -> Iterator[Watched]:
    """A server whose file has what another program may have left in it."""
    db, spool = home.path / "data" / "1001.db", home.path / "spool" / "1001"
    make_places(spool)
    with foreign_program(db) as foreign:
        assert foreign.opens() == "opened"
        for sql in FOREIGN:
            foreign.runs(filled_in(sql, db, spool))
        foreign.closes()
        with Agent(offline) as agent:
            yield Watched(home, agent, foreign, db, spool)
