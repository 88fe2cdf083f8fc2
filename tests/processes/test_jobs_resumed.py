"""A fetch outlives its server: the next one goes on with it, in the right name only."""

import os
import signal

import pytest

from mp_mcp.accounts import Account, save_account
from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, bare_environ, mp
from tests.processes.conftest import LAST_DAY
from tests.processes.jobs import (
    FETCH,
    counted,
    exported,
    jobs,
    last_day_held,
    states_on_disk,
    truth,
    wait_until_held,
)
from tests.processes.waiting import wait_until


@pytest.fixture
def mixpanel(mixpanel: Running) -> Running:
    """Without the faults of other tests."""
    mixpanel.clear_faults()
    return mixpanel


@pytest.fixture
def stranger(home: Home) -> dict[str, str]:
    """Environment of somebody who knows nothing but where the server is."""
    return bare_environ() | {"MP_HOME": str(home.path)}


@pytest.fixture
def nameless(environ: dict[str, str]) -> dict[str, str]:
    """Environment of a client of the same project without credentials."""
    return {key: value for key, value in environ.items() if key not in ("MP_USERNAME", "MP_SECRET")}


def kill(home: Home) -> None:
    os.kill(lease.server_info(home)["pid"], signal.SIGKILL)
    wait_until(lambda: not lease.is_held(home))


def test_the_next_server_goes_on_by_itself_with_a_stored_account(
    environ: dict[str, str],
    stranger: dict[str, str],
    nameless: dict[str, str],
    home: Home,
    mixpanel: Running,
) -> None:
    account = Account("shop", environ["MP_USERNAME"], environ["MP_SECRET"], None, "1001")
    save_account(home, account, make_default=True)
    with last_day_held(mixpanel):
        job = mp(nameless, *FETCH, "--detach").json["job"]
        wait_until_held(nameless)
        kill(home)
    mixpanel.clear_requests()
    mp(stranger, "server", "start")
    wait_until(lambda: exported(mixpanel))
    assert mp(nameless, "wait", "job", job).json["days"] == 10
    assert exported(mixpanel) == [(LAST_DAY, LAST_DAY)], "the other days were loaded before"
    assert counted(nameless) == truth(mixpanel)


def test_a_fetch_with_credentials_of_the_environment_waits_for_them(
    environ: dict[str, str],
    stranger: dict[str, str],
    nameless: dict[str, str],
    home: Home,
    mixpanel: Running,
) -> None:
    with last_day_held(mixpanel):
        job = mp(environ, *FETCH, "--detach").json["job"]
        wait_until_held(environ)
        kill(home)
    mp(stranger, "server", "start")
    [seen] = jobs(nameless)
    assert (seen["job"], seen["state"]) == (job, "needs_credentials")
    with Agent(nameless) as agent:
        waited = agent.call("wait_job", job=job)
        assert waited["state"] == "needs_credentials"
        assert "credentials" in waited["hint"]
    refused = mp(nameless, "wait", "job", job)
    assert refused.code == 2
    assert f"The job {job} waits for credentials" in refused.stderr
    wrong = mp(environ | {"MP_SECRET": "wrong"}, "inspect", "workspace")
    assert wrong.code == 0
    wait_until(lambda: "refuses the credentials" in str(jobs(nameless)[0]["error"]))
    assert jobs(nameless)[0]["state"] == "needs_credentials", "the wrong ones did not end it"
    assert mp(environ, "inspect", "workspace").code == 0
    assert mp(nameless, "wait", "job", job).json["days"] == 10
    assert counted(environ) == truth(mixpanel)


def test_a_stopped_server_interrupts_its_jobs_for_the_next_one(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        with last_day_held(mixpanel):
            fetch = agent.start_call("fetch_events", from_date="2025-03-01", to_date=LAST_DAY)
            job = wait_until_held(environ)["job"]
            assert mp(environ, "server", "stop").code == 0
            assert states_on_disk(home) == ["interrupted"]
            told = agent.finish(fetch)
            assert (told["state"], told["job"]) == ("interrupted", job)
            assert "next one goes on" in told["hint"]
        assert agent.call("wait_job", job=job)["result"]["days"] == 10
    assert counted(environ) == truth(mixpanel)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_fetch_that_is_followed_ends_well_at_the_next_server(
    environ: dict[str, str], home: Home, mixpanel: Running, end: str
) -> None:
    with last_day_held(mixpanel):
        fetch = Command(environ, *FETCH)
        wait_until_held(environ)
        if end == "kill":
            kill(home)
        else:
            assert mp(environ, "server", "stop").code == 0
    found = fetch.finish()
    assert found.json["rows"] == sum(truth(mixpanel).values())
    assert found.stderr == ""
    assert counted(environ) == truth(mixpanel)
    assert [job["state"] for job in jobs(environ)] == ["done"]


def test_a_waiting_fetch_that_is_stopped_is_never_resumed(
    environ: dict[str, str],
    stranger: dict[str, str],
    nameless: dict[str, str],
    home: Home,
    mixpanel: Running,
) -> None:
    with last_day_held(mixpanel):
        job = mp(environ, *FETCH, "--detach").json["job"]
        wait_until_held(environ)
        kill(home)
    mp(stranger, "server", "start")
    assert mp(nameless, "cancel", "job", job).json["state"] == "cancelled"
    mixpanel.clear_requests()
    assert [seen["state"] for seen in jobs(environ)] == ["cancelled"]
    assert mp(environ, "wait", "job", job).code == 130
    assert exported(mixpanel) == []
