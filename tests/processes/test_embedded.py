"""MP_SERVER=off: each program is its own server, with the same answers and nobody to share with."""

import os
import signal
import subprocess
import sys

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.chaos.disks import obedient
from tests.processes.agents import BIN, Agent, mp
from tests.processes.foreign import database
from tests.processes.jobs import FETCH, counted, last_day_held, states_on_disk, truth
from tests.processes.waiting import wait_until

OFF = {"MP_SERVER": "off"}
OWN_SERVER = r"mp-mcp: .*\. Going on with a server of its own, as with MP_SERVER=off: .*\n"
AS_AGENT = "from mp_mcp.front.agent import main; main()"
NO_SPAWN = f"import sys; sys.executable = '/nowhere'; {AS_AGENT}"
NO_SOCKETS = "import socket, mp_mcp.settings; mp_mcp.settings.HAS_UNIX_SOCKETS = False; "
NO_UNIX_SOCKETS = NO_SOCKETS + AS_AGENT
AS_PERSON = NO_SOCKETS + "import sys; from mp_mcp.front.cli import main; sys.argv[0] = 'mp'; main()"


@pytest.fixture
def alone(environ: dict[str, str]) -> dict[str, str]:
    """A client with an account, and no use for a shared server."""
    return environ | OFF


def no_server_was_here(home: Home) -> bool:
    return not (home.run / "server.lock").exists() and not list(home.logs.iterdir())


def test_a_command_serves_itself_and_leaves_nothing_open(
    alone: dict[str, str], home: Home, mixpanel: Running
) -> None:
    assert (
        mp(alone, *FETCH).json["rows"]
        == mixpanel.truth(from_date="2025-03-01", to_date="2025-03-10")["events"]
    )
    assert counted(alone) == truth(mixpanel)
    assert states_on_disk(home) == ["done"]
    assert no_server_was_here(home)
    assert list(home.run.iterdir()) == []
    assert not database(home, alone).with_suffix(".db.wal").exists()


def test_an_agent_is_served_by_its_own_process(offline: dict[str, str], home: Home) -> None:
    with Agent(offline | OFF) as agent:
        assert agent.call("inspect_workspace")["server_pid"] == agent.process.pid
        assert not (home.path / "data").exists(), "the file is made by the first that needs it"
        assert agent.call("save_table", table="t", sql="SELECT 7 AS n")["rows"] == 1
        assert {tool["name"] for tool in agent.request("tools/list")["tools"]} >= {"query_sql"}
        assert no_server_was_here(home)
        assert mp(offline, "server", "status", "-f", "json").json == {"running": False}
    assert mp(offline, "query", "sql", "FROM t").rows == [[7]], "given back at the end"


def test_our_running_server_is_named_as_ours(offline: dict[str, str], home: Home) -> None:
    impatient = offline | OFF | {"MP_LOCK_WAIT": "0.2"}
    with Agent(offline) as agent, Agent(impatient) as alone:
        agent.call("save_table", table="t", sql="SELECT 7 AS n")
        pid = lease.server_info(home)["pid"]
        refused = alone.error("query_sql", sql="FROM t")
        assert refused["code"] == "database_locked"
        assert refused["message"] == f"1001.db is open in another mp-mcp (process {pid})."
        way_out = "Our server runs: use it (unset MP_SERVER), or run `mp server stop`."
        assert refused["hint"] == way_out
        assert alone.call("inspect_workspace")["database_state"] == "closed"
        assert mp(impatient, "server", "stop").json["pid"] == pid, "as the error said"
        assert alone.call("query_sql", sql="FROM t")["rows"] == [[7]]


def test_a_program_with_its_own_server_is_named_to_the_shared_one(
    offline: dict[str, str], home: Home
) -> None:
    with Agent(offline | OFF) as alone:
        alone.call("save_table", table="t", sql="SELECT 7 AS n")
        refused = mp(offline | {"MP_LOCK_WAIT": "0.2"}, "query", "sql", "FROM t")
        assert refused.code == 6
        assert f"Process {alone.process.pid} is its own server (MP_SERVER=off)" in refused.stderr
        alone.process.kill()
        alone.process.wait()
        assert mp(offline, "query", "sql", "FROM t").rows == [[7]], "a killed one holds nothing"


@pytest.mark.parametrize("program", [NO_SPAWN, NO_UNIX_SOCKETS], ids=["no spawn", "no sockets"])
def test_where_no_server_can_be_started_an_agent_serves_itself(
    offline: dict[str, str], home: Home, program: str
) -> None:
    says = OWN_SERVER if program is NO_SPAWN else ""
    with Agent(offline, "legacy", [sys.executable, "-c", program], says) as agent:
        assert agent.call("save_table", table="t", sql="SELECT 7 AS n")["rows"] == 1
        assert agent.call("query_sql", sql="FROM t")["rows"] == [[7]]
        assert agent.call("inspect_workspace")["server_pid"] == agent.process.pid
        assert not lease.is_held(home)


def test_without_unix_sockets_a_command_serves_itself(offline: dict[str, str], home: Home) -> None:
    for words, code, says in (
        (("save", "table", "t", "SELECT 7 AS n"), 0, '"rows": 1'),
        (("query", "sql", "-s", "FROM t"), 0, "7"),
        (("server", "status", "-f", "json"), 0, '"running": false'),
        (("server", "start"), 3, "there is no shared server"),
    ):
        command = [sys.executable, "-c", AS_PERSON, *words]
        found = subprocess.run(command, env=offline, capture_output=True, text=True, timeout=60)
        assert (found.returncode, says in found.stdout + found.stderr) == (code, True), found
    assert no_server_was_here(home)


def test_a_state_folder_that_cannot_be_written_is_read(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        agent.call("fetch_events", from_date="2025-03-01", to_date="2025-03-01")
    mp(environ, "server", "stop")
    folders = [path for path in (home.path, *home.path.rglob("*")) if path.is_dir()]
    try:
        for folder in folders:
            folder.chmod(0o500)
        for file in (home.state, database(home, environ), home.run / "start.lock"):
            file.chmod(0o400)
        with Agent(environ, command=obedient(BIN / "mp-mcp"), says=OWN_SERVER) as agent:
            count = agent.call("query_sql", sql="SELECT count(*) FROM events")["rows"]
            assert count == [
                [mixpanel.truth(from_date="2025-03-01", to_date="2025-03-01")["events"]]
            ]
            assert agent.call("inspect_events")["rows"], "Mixpanel is asked as ever"
            assert agent.call("inspect_workspace")["state"] == "memory"
            assert agent.error("save_table", table="t", sql="SELECT 1")["hint"]
        refused = mp_obedient(environ)
        assert "MP_SERVER=off" in refused
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_fetch_whose_command_was_killed_goes_on_when_it_is_asked_for_again(
    alone: dict[str, str], home: Home, mixpanel: Running
) -> None:
    with last_day_held(mixpanel), Agent(alone) as agent:
        agent.start_call("fetch_events", from_date="2025-03-01", to_date="2025-03-10")
        wait_until(lambda: "9 of 10" in str(agent.notes.get(timeout=30)))
        os.kill(agent.process.pid, signal.SIGKILL)
        agent.process.wait()
    listed = mp(alone, "inspect", "jobs").json
    assert dict(zip(listed["columns"], listed["rows"][0], strict=True))["state"] == "interrupted"
    assert states_on_disk(home) == ["interrupted"]
    assert mp(alone, "wait", "job", listed["rows"][0][0]).json["state"] == "interrupted"
    assert mp(alone, *FETCH).code == 0
    assert states_on_disk(home) == ["done"], "the same job"
    assert counted(alone) == truth(mixpanel)
    assert not list(home.path.glob("spool/**/load-*"))


def test_what_needs_a_shared_server_is_refused(offline: dict[str, str]) -> None:
    for words in (("server", "start"), (*FETCH, "--detach")):
        refused = mp(offline | OFF, *words)
        assert refused.code == 3
        assert "MP_SERVER" in refused.stderr
    assert mp(offline | {"MP_SERVER": "no"}, "inspect", "workspace").code == 3


def mp_obedient(environ: dict[str, str]) -> str:
    """What `mp` says when permissions hold for it."""
    command = obedient(BIN / "mp", "inspect", "workspace")
    found = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert found.returncode == 1
    return found.stderr


def test_the_history_of_a_running_server_is_not_said_to_be_empty(offline: dict[str, str]) -> None:
    mp(offline, "query", "sql", "SELECT 7")
    for words in (("history",), ("history", "show", "1"), ("history", "rerun", "1")):
        refused = mp(offline | OFF, *words)
        assert (refused.code, refused.stdout) == (6, ""), words
        assert "Our server runs: use it (unset MP_SERVER)" in refused.stderr
    assert mp(offline | OFF, "status", "-f", "json").json["running"] is True
    mp(offline, "server", "stop")
    assert len(mp(offline | OFF, "history", "--format", "json").json["rows"]) == 1
    with Agent(offline | OFF) as alone:
        alone.call("query_sql", sql="SELECT 8")
        refused = mp(offline | OFF, "history")
        assert refused.code == 6
        assert f"Process {alone.process.pid} is its own server" in refused.stderr
