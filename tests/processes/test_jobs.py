"""A fetch is a job: it outlives its caller, everybody sees it, and anybody can stop it."""

import signal
from typing import Any

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, mp
from tests.processes.conftest import LAST_DAY, configure_server
from tests.processes.foreign import database, foreign_program
from tests.processes.jobs import (
    DAYS,
    EXPORT,
    FETCH,
    FIRST_DAY,
    counted,
    exported,
    jobs,
    last_day_held,
    running_tools,
    states_on_disk,
    truth,
    wait_until_held,
)
from tests.processes.waiting import wait_until


@pytest.fixture
def mixpanel(mixpanel: Running) -> Running:
    """Without the faults of other tests."""
    mixpanel.clear_faults()
    mixpanel.clear_requests()
    return mixpanel


def test_a_detached_fetch_goes_on_and_both_sides_see_it(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        with last_day_held(mixpanel):
            started = mp(environ, *FETCH, "--detach").json
            assert started["state"] == "running"
            seen = wait_until_held(agent)
            assert seen["job"] == started["job"]
            assert (seen["state"], seen["client"][:6]) == ("running", "mp pid")
            assert jobs(environ)[0]["job"] == seen["job"]
            waited = agent.call("wait_job", job=seen["job"], timeout=0.01)
            assert (waited["state"], waited["done"], waited["total"]) == ("running", 9, 10)
            assert "wait_job" in waited["hint"]
            status = mp(environ, "server", "status").json
            assert [job["job"] for job in status["jobs"]] == [seen["job"]]
        ended = agent.call("wait_job", job=seen["job"])
        assert ended["state"] == "done"
        assert ended["result"]["rows"] == sum(truth(mixpanel).values())
        assert mp(environ, "wait", "job", seen["job"]).json == ended["result"]
        assert [job["state"] for job in jobs(environ)] == ["done"]


def test_who_waits_for_a_job_hears_its_progress(environ: dict[str, str], mixpanel: Running) -> None:
    with Agent(environ) as agent:
        with last_day_held(mixpanel):
            job = agent.call("fetch_events", **DAYS, detach=True)["job"]
            waiting = agent.start_call("wait_job", job=job)
            wait_until(lambda: "9 of 10 days" in str(agent.notes.get(timeout=30)))
        assert agent.finish(waiting)["result"]["days"] == 10


def test_equal_fetches_at_once_are_one_job(environ: dict[str, str], mixpanel: Running) -> None:
    with Agent(environ) as one, Agent(environ) as other:
        with last_day_held(mixpanel):
            fetches = [agent.start_call("fetch_events", **DAYS) for agent in (one, other)]
            human = Command(environ, *FETCH)
            everybody = ["fetch_events", "fetch_events", "wait_job"]
            wait_until(lambda: running_tools(environ) == everybody)
        answers = [one.finish(fetches[0]), other.finish(fetches[1]), human.finish().json]
        assert answers[0] == answers[1] == answers[2]
        assert len(jobs(one)) == 1
        days = [first for first, _ in exported(mixpanel)]
    assert len(days) == len(set(days)), "no day was downloaded twice"
    assert counted(environ) == truth(mixpanel)


def test_a_stopped_fetch_keeps_its_days_and_the_same_fetch_gets_the_rest_only(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with Agent(environ) as agent, Agent(environ) as other:
        with last_day_held(mixpanel):
            fetch = agent.start_call("fetch_events", **DAYS)
            job = wait_until_held(other)["job"]
            stopped = other.call("cancel_job", job=job)
            assert stopped["state"] == "cancelled"
            assert "9 of 10 days" in stopped["progress"]
            told = agent.wait(fetch)["result"]["structuredContent"]
            assert (told["code"], "the same call gets the rest" in told["hint"]) == (
                "job_cancelled",
                True,
            )
        assert mp(environ, "wait", "job", job).code == 130
        before = counted(environ)
        assert before == {day: n for day, n in truth(mixpanel).items() if day != LAST_DAY}
        mixpanel.clear_requests()
        again = agent.call("fetch_events", **DAYS)
        assert (again["days"], again["days_fetched"]) == (10, 1)
    assert exported(mixpanel) == [(LAST_DAY, LAST_DAY)]
    assert counted(environ) == truth(mixpanel)


def test_ctrl_c_stops_the_fetch_and_says_what_stays(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with last_day_held(mixpanel):
        fetch = Command(environ, *FETCH)
        job = wait_until_held(environ)["job"]
        fetch.process.send_signal(signal.SIGINT)
        found = fetch.finish()
    assert (found.code, found.stdout) == (130, "")
    lines = found.stderr.splitlines()
    assert lines[0] == f"stopping {job}; press Ctrl-C again to leave it alone"
    assert lines[1].startswith("stopped: 9 of 10 days, ")
    assert lines[1].endswith("What is loaded stays; run it again to get the rest")
    assert lines[2:] == ["interrupted"]
    assert [seen["state"] for seen in jobs(environ)] == ["cancelled"]
    assert LAST_DAY not in counted(environ)


def test_ctrl_c_of_one_who_joined_leaves_the_fetch_to_its_starter(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        with last_day_held(mixpanel):
            fetch = agent.start_call("fetch_events", **DAYS)
            wait_until_held(agent)
            human = Command(environ, *FETCH)
            wait_until(lambda: "wait_job" in running_tools(environ))
            human.process.send_signal(signal.SIGINT)
            found = human.finish()
        assert found.code == 130
        assert "goes on: mp-mcp pid" in found.stderr
        assert agent.finish(fetch)["days"] == 10


def test_a_killed_mp_leaves_its_fetch_running(environ: dict[str, str], mixpanel: Running) -> None:
    with last_day_held(mixpanel):
        fetch = Command(environ, *FETCH)
        job = wait_until_held(environ)["job"]
        fetch.process.kill()
        assert fetch.finish().code == -signal.SIGKILL
        assert jobs(environ)[0]["state"] == "running"
    assert mp(environ, "wait", "job", job).json["days"] == 10
    assert counted(environ) == truth(mixpanel)


SPENT = {"Retry-After": "1800", "RateLimit": '"project";r=0;t=1800'}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 401}, 2),
        ({"status": 403, "error": "Date range exceeds 90 days into the past"}, 3),
        ({"status": 429, "headers": SPENT, "times": None}, 5),
        ({"status": 503, "times": None}, 7),
    ],
)
def test_a_failing_fetch_exits_with_its_own_code_however_it_is_waited_for(
    environ: dict[str, str], mixpanel: Running, fault: dict[str, Any], code: int
) -> None:
    mixpanel.fault(EXPORT, "status", **fault)
    found = mp(environ, "fetch", "events", "--from", FIRST_DAY, "--to", FIRST_DAY)
    mixpanel.clear_faults()
    assert found.code == code
    error, hint = found.stderr.splitlines()
    assert (error[:7], hint[:6]) == ("error: ", "hint: ")
    assert hint.endswith("Nothing was loaded.")
    [job] = jobs(environ)
    assert job["state"] == "failed"
    assert error == f"error: {job['error']}"
    again = mp(environ, "wait", "job", job["job"])
    assert (again.code, again.stderr) == (found.code, found.stderr)


def test_the_server_stays_for_a_job_and_then_leaves_and_lets_go_of_the_file(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    configure_server(home, exit_after_s=0.3)
    with last_day_held(mixpanel, seconds=4):
        assert mp(environ, *FETCH, "--detach").json["state"] == "running"
        wait_until(lambda: not lease.is_held(home))
    assert states_on_disk(home) == ["done"]
    with foreign_program(database(home, environ)) as notebook:
        assert notebook.tries() == "opened"
        notebook.opens()
        events = notebook.runs("SELECT count(*) FROM events")
        assert events == [[sum(truth(mixpanel).values())]]


def test_a_job_of_another_project_is_none_of_ones_business(
    environ: dict[str, str], mixpanel: Running
) -> None:
    job = mp(environ, *FETCH, "--detach").json["job"]
    other = environ | mixpanel.environ("2002")
    assert jobs(other) == []
    for words in (("wait", "job", job), ("cancel", "job", job), ("inspect", "jobs", job)):
        assert mp(other, *words).code == 4
    assert mp(environ, "wait", "job", job).json["days"] == 10


def test_no_secret_reaches_the_disk_with_a_job(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    with last_day_held(mixpanel):
        mp(environ, *FETCH, "--detach")
        wait_until_held(environ)
        written = {path.name: path.read_bytes() for path in home.path.glob("state.db*")}
        logged = home.server_log.read_bytes()
    assert b"fetch_events" in b"".join(written.values())
    for text in (*written.values(), logged):
        assert environ["MP_SECRET"].encode() not in text
        assert environ["MP_USERNAME"].encode() not in text
