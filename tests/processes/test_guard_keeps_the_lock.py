"""Whatever SQL a client sends, the file stays ours and as it was: seen from another process.

Never looks at the server's insides: what it says, what a second program sees, and its log.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.server import lease
from mp_mcp.settings import Home
from mp_mcp.store.open_store import Files
from tests.processes.agents import Agent
from tests.processes.foreign import Foreign, foreign_program
from tests.unit.store.harmless import HARMLESS
from tests.unit.store.hostile import BY_AIM, FOREIGN, RUNAWAYS, filled_in, make_places

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
STEP = 1 if os.environ.get("MP_TEST_CHAOS") else 12
"""After how many statements everything is looked at; the lock is looked at after each."""

REFUSED = {"not_read_only", "query", "table_missing"}


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


@pytest.fixture
def watched(home: Home, offline: dict[str, str]) -> Iterator[Watched]:
    db, spool = home.path / "data" / "1001.db", home.path / "spool" / "1001"
    make_places(spool)
    with foreign_program(db) as foreign:
        assert foreign.opens() == "opened"
        for sql in FOREIGN:
            foreign.runs(filled_in(sql, db, spool))
        foreign.closes()
        with Agent(offline) as agent:
            yield Watched(home, agent, foreign, db, spool)


@pytest.mark.parametrize("aim", BY_AIM)
def test_hostile_sql_is_refused_and_leaves_no_trace(watched: Watched, aim: str) -> None:
    for number, sql in enumerate(BY_AIM[aim], 1):
        result = watched.answer(sql)
        assert result["isError"], sql[:200]
        error = result["structuredContent"]
        assert error["code"] in REFUSED, (sql[:200], error)
        assert error["hint"], sql[:200]
        watched.is_ours(sql)
        if number % STEP == 0 or number == len(BY_AIM[aim]):
            watched.is_untouched(f"one of the {STEP} statements up to {sql}")


def test_harmless_sql_is_answered_and_leaves_no_trace(watched: Watched) -> None:
    for sql in HARMLESS:
        result = watched.answer(sql.replace('"7"', '"1001"'))
        assert not result["isError"], (sql, result)
        watched.is_ours(sql)
    watched.is_untouched("a harmless statement")


def test_runaways_are_stopped_and_the_next_query_is_fine(watched: Watched) -> None:
    for sql in RUNAWAYS:
        error = watched.answer(sql, timeout=0.3)["structuredContent"]
        assert error.get("code") in {"query_timeout", "query", "disk_full"}, (sql, error)
        assert error["hint"], sql
        watched.is_ours(sql)
        watched.is_untouched(sql)


def test_a_bracket_storm_does_not_hold_up_the_others(watched: Watched) -> None:
    storm = "FROM " + "(" * 40_000 + "t" + ")" * 40_000
    calls = [watched.agent.start_call("query_sql", sql=storm) for _ in range(20)]
    watched.is_untouched(storm)
    for call in calls:
        assert watched.agent.wait(call)["result"]["isError"]


@pytest.mark.anyio
async def test_the_check_itself_can_tell(tmp_path: Path) -> None:
    """Without a guard the lock is lost: the reason for it, and the proof that the test sees it."""
    files = Files()
    store = files.store(tmp_path / "data" / "7.db", spool=tmp_path / "spool")
    path = store.database.path
    with foreign_program(path) as foreign:
        await store.reader().tables()
        assert foreign.tries() == "locked"
        await store.database.run(
            lambda cursor: cursor.execute(
                f"SELECT octet_length(content) FROM read_blob('{path}')"
            ).fetchall()
        )
        assert foreign.tries() == "opened"
        await files.close()
