"""The collision that this project exists for: two programs, one project, one file."""

import json
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mp_mcp import __version__
from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, Era, mp
from tests.processes.foreign import database, foreign_program
from tests.processes.waiting import wait_until

FIRST, LAST = "2025-03-01", "2025-03-10"
RANGE = ("--from", FIRST, "--to", LAST)


def test_two_mp_inspect_bookmarks_at_once_both_answer_while_mixpanel_takes_20_s(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mixpanel.clear_requests()
    mixpanel.fault("/api/app/projects", "delay", seconds=20)
    both = [Command(environ, "inspect", "bookmarks", "--limit", "5000") for _ in range(2)]
    wait_until(lambda: calls_of(environ) == ["inspect_bookmarks"] * 2)
    for command in both:
        found = command.finish()
        assert len(found.rows) == 2561
        assert "lock" not in found.stderr.lower()
    (asked,) = mixpanel.requests("/api/app/projects")
    assert asked["fault"] == "delay", "they asked the same at the same time: once is enough"
    assert not (Path(environ["MP_HOME"]) / "data").exists(), "an API call touched the database"


def test_a_fetch_and_query_sql_at_once_both_answer(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mp(environ, "fetch", "events", *RANGE)
    events = mixpanel.truth(from_date=FIRST, to_date=LAST)["events"]
    with held_export(mixpanel):
        fetch = Command(environ, "fetch", "events", *RANGE, "--refresh")
        wait_until(lambda: held_exports(mixpanel) == 1)
        queries = [
            Command(environ, "query", "sql", f"SELECT {n}, count(*) FROM events") for n in range(4)
        ]
        for number, query in enumerate(queries):
            assert query.finish().rows == [[number, events]]
        assert held_exports(mixpanel) == 1, "the fetch was over before the queries were"
        assert fetch.process.poll() is None
    assert fetch.finish().json["rows"] == events
    assert mp(environ, "query", "sql", "SELECT count(*) FROM events").rows == [[events]]


def test_three_stdio_agents_and_the_command_line_work_on_one_file_at_once(
    environ: dict[str, str], mixpanel: Running
) -> None:
    events = mixpanel.truth(from_date=FIRST, to_date=LAST)["events"]
    days = {"from_date": FIRST, "to_date": LAST}
    counted = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM human)"
    eras: tuple[Era, ...] = ("modern", "legacy", "modern")
    with ExitStack() as stack:
        agents = [stack.enter_context(Agent(environ, era)) for era in eras]
        stack.enter_context(held_export(mixpanel))
        fetches = [agent.start_call("fetch_events", **days) for agent in agents]
        human = Command(environ, "fetch", "events", "human", *RANGE)
        wait_until(lambda: sorted(calls_of(environ)) == ["fetch_events"] * 3 + ["wait_job"])
        listings = [agent.start_call("inspect_bookmarks", limit=3) for agent in agents]
        mixpanel.clear_faults()
        for agent, fetch, listing in zip(agents, fetches, listings, strict=True):
            assert agent.finish(fetch)["rows"] == events
            assert agent.finish(listing)["row_count"] == 3
        assert human.finish().json["rows"] == events
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
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens() == "opened"
        assert mp(environ, "inspect", "events").json["row_count"] > 3
        assert mp(environ, "inspect", "bookmarks", "-l", "2").json["row_count"] == 2
        assert mp(environ, "inspect", "workspace").json["database_state"] == "closed"


def test_twelve_racing_first_clients_start_exactly_one_server(
    offline: dict[str, str], home: Home
) -> None:
    racers = [Command(offline, "inspect", "workspace") for _ in range(12)]
    pids = {racer.finish().json["server_pid"] for racer in racers}
    assert pids == {lease.server_info(home)["pid"]}
    assert home.server_log.read_text(encoding="utf-8").count(f"server {__version__} starts") == 1


def test_no_answer_ever_mentions_a_lock_among_our_own_clients(
    environ: dict[str, str], mixpanel: Running, home: Home
) -> None:
    days = {"from_date": "2025-03-01", "to_date": "2025-03-10"}
    count = "SELECT count(*) FROM events"
    with Agent(environ) as one, Agent(environ, "legacy") as other:
        one.call("fetch_events", **days)
        with held_export(mixpanel):
            # Another number of workers makes another job of each.
            humans = [Command(environ, "fetch", "events", *RANGE, "--refresh")]
            fetches = [
                agent.start_call("fetch_events", **days, refresh=True, workers=workers)
                for workers, agent in enumerate((one, other), start=4)
            ]
            wait_until(lambda: held_exports(mixpanel) == 3)
            humans.append(Command(environ, "query", "sql", count))
            humans.append(Command(environ, "inspect", "tables"))
            reads = [agent.start_call("query_sql", sql=count) for agent in (one, other)]
            reads += [agent.start_call("inspect_tables") for agent in (one, other)]
            asked = zip([one, other] * 2, reads, strict=True)
            answers = [json.dumps(agent.wait(number)["result"]) for agent, number in asked]
            finished = [human.finish() for human in humans[1:]]
        asked = zip([one, other], fetches, strict=True)
        answers += [json.dumps(agent.wait(number)["result"]) for agent, number in asked]
        finished.append(humans[0].finish())
    assert [human.code for human in finished] == [0, 0, 0]
    answers += [human.stdout + human.stderr for human in finished]
    answers.append(home.server_log.read_text(encoding="utf-8"))
    assert [answer for answer in answers if "lock" in answer.lower()] == []


@contextmanager
def held_export(mixpanel: Running) -> Iterator[None]:
    """Exports of the last day wait until the faults are cleared: the fetches go on meanwhile."""
    mixpanel.clear_requests()
    details: dict[str, Any] = {"times": None, "query": {"from_date": LAST}}
    mixpanel.fault("/api/2.0/export", "delay", seconds=60, **details)
    try:
        yield
    finally:
        mixpanel.clear_faults()


def calls_of(environ: dict[str, str]) -> list[str]:
    """Tools that run on the shared server now; none as long as it is only starting."""
    status = mp(environ, "server", "status", "-f", "json").json
    return [call["tool"] for call in status.get("calls", [])]


def held_exports(mixpanel: Running) -> int:
    """How many exports are under way that are held up."""
    asked = mixpanel.requests("/api/2.0/export")
    return sum("fault" in entry and not entry["done"] for entry in asked)
