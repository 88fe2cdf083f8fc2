"""The collision that this project exists for: two programs, one project, one file."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, Era, mp

RANGE = ("--from", "2025-03-01", "--to", "2025-03-10")


def test_two_mp_inspect_bookmarks_at_once_both_answer_while_mixpanel_takes_20_s(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mixpanel.fault("/api/app/projects", "delay", seconds=20, times=2)
    both = [Command(environ, "inspect", "bookmarks", "--limit", "5000") for _ in range(2)]
    for command in both:
        found = command.finish()
        assert len(found.rows) == 2561
        assert "lock" not in found.stderr.lower()
    mixpanel.clear_faults()
    assert not (Path(environ["MP_HOME"]) / "data").exists(), "an API call touched the database"


def test_a_fetch_and_query_sql_at_once_both_answer(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mp(environ, "fetch", "events", *RANGE)
    fetch = Command(environ, "fetch", "events", *RANGE)
    queries = [
        Command(environ, "query", "sql", f"SELECT {n}, count(*) FROM events") for n in range(4)
    ]
    events = mixpanel.truth(to_date="2025-03-10", from_date="2025-03-01")["events"]
    for number, query in enumerate(queries):
        assert query.finish().rows == [[number, events]]
    assert fetch.finish().json["rows"] == events


def test_three_stdio_agents_and_the_command_line_work_on_one_file_at_once(
    environ: dict[str, str], mixpanel: Running
) -> None:
    events = mixpanel.truth(from_date="2025-03-01", to_date="2025-03-10")["events"]
    eras: tuple[Era, ...] = ("modern", "legacy", "modern")
    agents = [Agent(environ, era).__enter__() for era in eras]
    days = {"from_date": "2025-03-01", "to_date": "2025-03-10"}
    fetches = [agent.start_call("fetch_events", **days) for agent in agents]
    human = Command(environ, "fetch", "events", "human", *RANGE)
    listings = [agent.start_call("inspect_bookmarks", limit=3) for agent in agents]
    for agent, fetch, listing in zip(agents, fetches, listings, strict=True):
        assert agent.finish(fetch)["rows"] == events
        assert agent.finish(listing)["row_count"] == 3
    assert human.finish().json["rows"] == events
    counted = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM human)"
    for agent in agents:
        assert agent.call("query_sql", sql=counted)["rows"] == [[events, events]]
        assert agent.close() == 0
    assert mp(environ, "query", "sql", counted).rows == [[events, events]]


def test_api_tools_work_while_the_data_folder_cannot_be_written(
    environ: dict[str, str], home: Home
) -> None:
    home.create()
    data = home.path / "data"
    data.write_text("a file where the folder should be", encoding="utf-8")
    assert mp(environ, "inspect", "events").json["row_count"] > 3
    assert mp(environ, "inspect", "bookmarks", "-l", "2").json["row_count"] == 2
    refused = mp(environ, "query", "sql", "SELECT 1")
    assert refused.code == 1
    assert "hint:" in refused.stderr
    assert stat.S_ISREG(data.stat().st_mode)


def test_api_tools_work_while_a_foreign_program_holds_the_database(
    environ: dict[str, str], home: Home
) -> None:
    with held_by_a_foreign_program(database(home, environ)):
        assert mp(environ, "inspect", "events").json["row_count"] > 3
        assert mp(environ, "inspect", "bookmarks", "-l", "2").json["row_count"] == 2
        assert mp(environ, "inspect", "workspace").json["database_state"] == "closed"


def test_twelve_racing_first_clients_start_exactly_one_server(
    offline: dict[str, str], home: Home
) -> None:
    racers = [Command(offline, "inspect", "workspace") for _ in range(12)]
    pids = {racer.finish().json["server_pid"] for racer in racers}
    assert pids == {lease.server_info(home)["pid"]}
    assert home.server_log.read_text(encoding="utf-8").count("server 0.1.0 starts") == 1


@pytest.mark.parametrize("kind", ["agent", "human"])
def test_no_answer_ever_mentions_another_programs_lock_among_our_own_clients(
    environ: dict[str, str], kind: str
) -> None:
    with Agent(environ) as agent:
        agent.call("fetch_events", from_date="2025-03-01", to_date="2025-03-02")
        if kind == "agent":
            with Agent(environ) as other:
                assert other.call("query_sql", sql="SELECT 1")["rows"] == [[1]]
        else:
            assert mp(environ, "query", "sql", "SELECT 1").rows == [[1]]


def database(home: Home, environ: dict[str, str]) -> Path:
    """Where the project's file is for the simulated Mixpanel."""
    host_and_port = environ["MP_API_BASE_URL"].removeprefix("http://").replace(":", "-")
    return home.path / "data" / host_and_port / f"{environ['MP_PROJECT_ID']}.db"


HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_a_foreign_program(path: Path, *, read_only: bool = False) -> Iterator[int]:
    """A plain duckdb program that has the file open; its pid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = ["read-only"] if read_only else []
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, path, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    with child:
        assert child.stdout and child.stdin
        assert child.stdout.readline() == b"held\n"
        try:
            yield child.pid
        finally:
            child.stdin.close()
            child.wait(30)
