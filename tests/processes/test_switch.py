"""`mp auth switch` while agents are connected: who follows, and who is told."""

import os
import signal

import pytest

from mp_mcp.accounts import Account, save_account
from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Era, bare_environ, mp
from tests.processes.waiting import wait_until


@pytest.fixture
def environ(home: Home, mixpanel: Running) -> dict[str, str]:
    """Environment of clients that leave account and project to mp.toml."""
    for name, found in zip(("other", "work"), reversed(mixpanel.accounts), strict=True):
        account = Account(name, found["username"], found["secret"], None, found["project_id"])
        save_account(home, account, make_default=name == "work")
    address = {"MP_HOME": str(home.path), "MP_API_BASE_URL": mixpanel.base_url}
    return bare_environ() | address


def test_a_switch_reaches_connected_agents_and_their_next_answer_says_so(
    environ: dict[str, str],
) -> None:
    named = environ | {"MP_PROJECT_ID": "1001"}
    with Agent(environ) as follower, Agent(named) as stayer, Agent(environ) as silent:
        for agent in (follower, stayer):
            assert agent.call("inspect_bookmarks", limit=1)["project"] == "1001"
        switched = mp(environ, "auth", "switch", "other", "-f", "json").json
        assert switched == {"default": "other", "before": "work"}
        answer = follower.call("inspect_bookmarks", limit=1)
        assert answer["project"] == "2002"
        assert "from work (project 1001) to other (project 2002)" in answer["notice"]
        assert "notice" not in follower.call("inspect_bookmarks", limit=1)
        # Who named a project stays, with the account that it began with.
        answer = stayer.call("inspect_bookmarks", limit=1, fresh=True)
        assert (answer["project"], "notice" in answer) == ("1001", False)
        # Who has not had an answer yet has nothing to compare with.
        answer = silent.call("inspect_bookmarks", limit=1)
        assert (answer["project"], "notice" in answer) == ("2002", False)


@pytest.mark.parametrize(
    ("order", "era"),
    [("stop switch", "modern"), ("switch stop", "legacy"), ("switch kill", "modern")],
)
def test_a_restart_of_the_server_does_not_hide_a_switch(
    environ: dict[str, str], home: Home, order: str, era: Era
) -> None:
    named = environ | {"MP_PROJECT_ID": "1001"}
    with Agent(environ, era) as follower, Agent(named, era) as stayer:
        for agent in (follower, stayer):
            assert agent.call("inspect_bookmarks", limit=1)["project"] == "1001"
        for step in order.split():
            if step == "switch":
                mp(environ, "auth", "switch", "other")
            elif step == "stop":
                mp(environ, "server", "stop")
            else:
                os.kill(lease.server_info(home)["pid"], signal.SIGKILL)
                wait_until(lambda: not lease.is_held(home))
        answer = follower.call("inspect_bookmarks", limit=1, fresh=True)
        assert answer["project"] == "2002"
        assert "from work (project 1001) to other (project 2002)" in answer["notice"]
        answer = stayer.call("inspect_bookmarks", limit=1, fresh=True)
        assert (answer["project"], "notice" in answer) == ("1001", False)
        # What was told once is not told again by the next server.
        mp(environ, "server", "stop")
        assert "notice" not in follower.call("inspect_bookmarks", limit=1, fresh=True)


def test_an_error_after_a_switch_says_so_too(environ: dict[str, str]) -> None:
    with Agent(environ) as agent:
        agent.call("inspect_workspace")
        mp(environ, "auth", "switch", "other")
        error = agent.error("query_sql", sql="SELECT * FROM events")
        assert "from work (project 1001) to other (project 2002)" in error["hint"]
        assert "notice" not in agent.call("inspect_workspace")


def test_a_logout_is_felt_by_the_next_call(environ: dict[str, str]) -> None:
    with Agent(environ) as agent:
        agent.call("inspect_bookmarks", limit=1)
        assert mp(environ, "auth", "logout", "work").code == 0
        assert mp(environ, "auth", "logout", "other").code == 0
        error = agent.error("inspect_bookmarks")
        assert error["code"] in ("settings", "credentials")
        assert "mp auth login" in error["hint"]


def test_auth_test_says_which_projects_an_account_reaches(environ: dict[str, str]) -> None:
    tested = mp(environ, "auth", "test", "--account", "other").json
    assert [row[0] for row in tested["rows"]] == ["2002"]
