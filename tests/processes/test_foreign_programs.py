"""A notebook or the duckdb shell holds the file: we wait a little, then say who and what to do."""

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, mp
from tests.processes.conftest import configure_server
from tests.processes.foreign import database, foreign_program
from tests.processes.waiting import wait_until

DAYS = ("--from", "2025-03-01", "--to", "2025-03-01")
COUNT = "SELECT count(*) > 0 FROM events"


@pytest.mark.parametrize("words", [["query", "sql", "SELECT 1"], ["fetch", "events", *DAYS]])
def test_a_file_held_read_write_is_exit_code_6_with_holder_pid_and_remedy(
    environ: dict[str, str], home: Home, mixpanel: Running, words: list[str]
) -> None:
    environ["MP_LOCK_WAIT"] = "0.5"
    mixpanel.clear_requests()
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens() == "opened"
        refused = mp(environ, *words)
        assert refused.code == 6, refused
        assert f"{foreign.pid}" in refused.stderr
        assert "python" in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 2
        assert "hint: " in refused.stderr
    assert mixpanel.requests("/api/2.0/export") == [], "a locked file cost export budget"
    assert mp(environ, *words).code == 0


def test_a_holder_that_leaves_in_time_is_waited_for(environ: dict[str, str], home: Home) -> None:
    environ["MP_LOCK_WAIT"] = "30"
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens() == "opened"
        waiting = Command(environ, "query", "sql", "SELECT 1")
        assert mp(environ, "inspect", "workspace").code == 0
        assert waiting.process.poll() is None
        foreign.closes()
        assert waiting.finish().rows == [[1]]


def test_a_file_held_read_only_can_be_read_and_writes_say_why_not(
    environ: dict[str, str], home: Home
) -> None:
    mp(environ, "fetch", "events", *DAYS)
    mp(environ, "server", "stop")
    environ["MP_LOCK_WAIT"] = "0.5"
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens(read_only=True) == "opened"
        assert mp(environ, "query", "sql", COUNT).rows == [[True]]
        refused = mp(environ, "fetch", "events", *DAYS)
        assert refused.code == 6, refused
        assert f"{foreign.pid}" in refused.stderr
        assert mp(environ, "query", "sql", COUNT).rows == [[True]]
        assert mp(environ, "inspect", "events").code == 0
    assert mp(environ, "fetch", "events", *DAYS).code == 0


def test_a_foreign_program_may_use_the_file_between_our_calls(
    environ: dict[str, str], home: Home
) -> None:
    configure_server(home, release_after_s=0.1)
    environ["MP_LOCK_WAIT"] = "30"
    with Agent(environ) as agent, foreign_program(database(home, environ)) as foreign:
        agent.call("fetch_events", from_date="2025-03-01", to_date="2025-03-01")
        for _ in range(3):
            wait_until(lambda: foreign.opens() == "opened")
            waiting = agent.start_call("query_sql", sql=COUNT)
            agent.request("tools/list")
            assert waiting not in agent.answered
            foreign.closes()
            assert agent.finish(waiting)["rows"] == [[True]]
