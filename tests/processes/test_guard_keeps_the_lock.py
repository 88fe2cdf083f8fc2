"""Whatever SQL a client sends, the file stays ours and as it was: seen from another process.

Never looks at the server's insides: what it says, what a second program sees, and its log.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from mp_mcp.store.open_store import Files
from tests.processes.foreign import foreign_program
from tests.processes.watched import Watched, under_attack
from tests.unit.store.harmless import HARMLESS
from tests.unit.store.hostile import BY_AIM, RUNAWAYS

STEP = 1 if os.environ.get("MP_TEST_CHAOS") else 12
"""After how many statements everything is looked at; the lock is looked at after each."""

REFUSED = {"not_read_only", "query", "table_missing"}


@pytest.fixture
def watched(home: Home, offline: dict[str, str]) -> Iterator[Watched]:
    with under_attack(home, offline) as found:
        yield found


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
