"""The server comes and goes; its clients do not notice more than they must."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mp_mcp
from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, Era, mp
from tests.processes.conftest import configure_server
from tests.processes.foreign import database
from tests.processes.waiting import wait_until

LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"
ERAS: tuple[Era, ...] = ("legacy", "modern")


def kill(home: Home) -> None:
    os.kill(lease.server_info(home)["pid"], signal.SIGKILL)
    wait_until(lambda: not lease.is_held(home))


def stop(home: Home) -> None:
    assert mp({**os.environ, "MP_HOME": str(home.path)}, "server", "stop").code == 0


def hand_over(home: Home) -> None:
    """A newer `mp` arrives: the same code with a higher version, from another folder."""
    copy = home.path / "newer"
    shutil.copytree(Path(mp_mcp.__file__).parent, copy / "mp_mcp")
    version = copy / "mp_mcp" / "__init__.py"
    text = version.read_text(encoding="utf-8")
    version.write_text(text.replace(mp_mcp.__version__, "99.0.0"), encoding="utf-8")
    environ = {**os.environ, "MP_HOME": str(home.path), "PYTHONPATH": str(copy)}
    found = subprocess.run(
        [sys.executable, "-P", "-m", "mp_mcp", "inspect", "workspace", "--format", "json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert '"server_version":"99.0.0"' in found.stdout.replace(": ", ":"), found


@pytest.mark.parametrize(
    ("end", "era"), [(kill, "modern"), (kill, "legacy"), (stop, "legacy"), (hand_over, "modern")]
)
def test_an_agents_connection_outlives_the_server(
    offline: dict[str, str], home: Home, era: Era, end: Callable[[Home], None]
) -> None:
    with Agent(offline, era) as agent:
        before = agent.call("inspect_workspace")["server_pid"]
        end(home)
        after = agent.call("inspect_workspace")["server_pid"]
        assert after != before
        assert agent.process.poll() is None
        assert {tool["name"] for tool in agent.request("tools/list")["tools"]} >= {"query_sql"}
    assert agent.process.returncode == 0


@pytest.mark.parametrize("era", ERAS)
def test_a_call_that_is_open_when_the_server_dies_is_answered_with_a_retryable_error(
    offline: dict[str, str], home: Home, era: Era
) -> None:
    with Agent(offline, era) as agent:
        number = agent.start_call("query_sql", sql=LONG)
        wait_until(lambda: running_calls(offline))
        kill(home)
        result = agent.wait(number)["result"]
        assert result["isError"]
        assert result["structuredContent"]["code"] == "server_unreachable"
        assert result["structuredContent"]["retryable"]
        assert agent.call("query_sql", sql="SELECT 42")["rows"] == [[42]]


def test_a_list_request_that_is_open_when_the_server_dies_is_sent_again(
    offline: dict[str, str], home: Home
) -> None:
    with Agent(offline) as agent:
        agent.call("inspect_workspace")
        pid = lease.server_info(home)["pid"]
        os.kill(pid, signal.SIGSTOP)
        number = agent.start("tools/list")
        os.kill(pid, signal.SIGKILL)
        assert agent.wait(number)["result"]["tools"]


def test_sigkill_in_the_middle_of_a_fetch_loses_nothing_and_doubles_nothing(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    first = {"from_date": "2025-03-01", "to_date": "2025-03-03"}
    whole = {"from_date": "2025-03-01", "to_date": "2025-03-10"}
    with Agent(environ) as agent:
        committed = agent.call("fetch_events", **first)["rows"]
        assert committed == mixpanel.truth(**first)["events"]
        # The last window hangs, so that the kill meets a fetch that has done a part of its work.
        mixpanel.fault("/api/2.0/export", "delay", seconds=15, query={"from_date": "2025-03-10"})
        open_fetch = agent.start_call("fetch_events", **whole)
        wait_until(lambda: "9 of 10" in str(agent.notes.get(timeout=30)))
        spooled = set(home.path.glob("spool/**/load-*"))
        assert spooled
        kill(home)
        assert agent.wait(open_fetch)["result"]["isError"]
        by_day = "SELECT day::VARCHAR, count(*) FROM events GROUP BY 1"
        after = dict(agent.call("query_sql", sql=by_day)["rows"])
        assert not spooled & set(home.path.glob("spool/**/load-*")), "of the killed server"
        truth = mixpanel.truth(**whole)["by_day"]
        assert {day: count for day, count in after.items() if truth[day] != count} == {}
        assert set(after) >= set(mixpanel.truth(**first)["by_day"])
        mixpanel.clear_faults()
        assert agent.call("fetch_events", **whole)["rows"] == mixpanel.truth(**whole)["events"]
        assert dict(agent.call("query_sql", sql=by_day)["rows"]) == truth


def test_a_stopped_server_is_reported_and_never_taken_for_a_stale_one(
    offline: dict[str, str], home: Home
) -> None:
    pid = mp(offline, "inspect", "workspace").json["server_pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        found = mp(offline, "inspect", "workspace")
        assert found.code == 1
        assert f"pid {pid}" in found.stderr
        assert "kill -CONT" in found.stderr
        assert lease.is_held(home)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert mp(offline, "inspect", "workspace").json["server_pid"] == pid


def test_a_full_backlog_is_a_busy_server_and_starts_no_second_one(
    offline: dict[str, str], home: Home
) -> None:
    pid = mp(offline, "inspect", "workspace").json["server_pid"]
    os.kill(pid, signal.SIGSTOP)
    waiting = []
    try:
        with pytest.raises(Exception, match="does not answer"):
            while True:
                waiting.append(lease.dial(home))
        late = Command(offline, "inspect", "workspace")
        assert late.finish().code == 1
    finally:
        os.kill(pid, signal.SIGCONT)
        for client in waiting:
            client.close()
    wait_until(lambda: mp(offline, "inspect", "workspace").code == 0)
    assert mp(offline, "inspect", "workspace").json["server_pid"] == pid


def test_a_second_server_never_exists(offline: dict[str, str], home: Home) -> None:
    pid = mp(offline, "inspect", "workspace").json["server_pid"]
    (home.run / "mp.sock").unlink()
    rival = lease.spawn(home)
    assert rival.wait(60) == 0
    assert lease.server_info(home)["pid"] == pid
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not lease.is_held(home))


def test_a_stale_socket_of_a_killed_server_is_replaced(offline: dict[str, str], home: Home) -> None:
    first = mp(offline, "inspect", "workspace").json["server_pid"]
    kill(home)
    assert home.socket.exists()
    assert mp(offline, "inspect", "workspace").json["server_pid"] != first


@pytest.mark.parametrize("how", ["close stdin", "kill"])
def test_a_client_that_goes_away_takes_its_running_query_with_it(
    offline: dict[str, str], home: Home, how: str
) -> None:
    agent = Agent(offline)
    agent.start_call("query_sql", sql=LONG)
    wait_until(lambda: running_calls(offline))
    if how == "kill":
        agent.process.kill()
    agent.close()
    wait_until(lambda: not running_calls(offline))
    wait_until(lambda: all(not d["running"] for d in status(offline)["databases"]))


def test_a_cancelled_call_stops_and_the_connection_goes_on(offline: dict[str, str]) -> None:
    with Agent(offline) as agent:
        number = agent.start_call("query_sql", sql=LONG)
        wait_until(lambda: running_calls(offline))
        agent.notify("notifications/cancelled", {"requestId": number})
        wait_until(lambda: not running_calls(offline))
        assert agent.call("query_sql", sql="SELECT 1")["rows"] == [[1]]


def test_short_answers_come_while_a_long_query_runs(offline: dict[str, str]) -> None:
    with Agent(offline, "legacy") as agent:
        number = agent.start_call("query_sql", sql=LONG)
        wait_until(lambda: running_calls(offline))
        assert agent.request("ping") == {}
        assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]
        assert running_calls(offline), "the long query ended before the short one"
        agent.notify("notifications/cancelled", {"requestId": number})


def test_the_server_leaves_when_nobody_needs_it(offline: dict[str, str], home: Home) -> None:
    configure_server(home, exit_after_s=0.2)
    mp(offline, "inspect", "workspace")
    wait_until(lambda: not lease.is_held(home))
    assert not home.socket.exists()


def test_an_idle_database_can_be_opened_by_a_plain_duckdb(
    environ: dict[str, str], home: Home
) -> None:
    configure_server(home, release_after_s=0.3)
    with Agent(environ) as agent:
        agent.call("fetch_events", from_date="2025-03-01", to_date="2025-03-01")
        code = "import duckdb,sys; print(duckdb.connect(sys.argv[1]).sql('FROM events').shape[0])"
        plain = [sys.executable, "-c", code, str(database(home, environ))]
        wait_until(lambda: subprocess.run(plain, capture_output=True).returncode == 0)
        assert agent.call("query_sql", sql="SELECT count(*) > 0 FROM events")["rows"] == [[True]]


def test_server_commands_work_without_a_server(offline: dict[str, str], home: Home) -> None:
    assert mp(offline, "server", "stop").code == 0
    assert mp(offline, "server", "status", "--format", "json").json == {"running": False}
    assert not lease.is_held(home)
    started = mp(offline, "server", "start", "--format", "json").json
    assert started["pid"] == mp(offline, "server", "status", "--format", "json").json["pid"]
    assert mp(offline, "server", "stop").code == 0
    assert not lease.is_held(home)


def status(environ: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = mp(environ, "server", "status", "--format", "json").json
    return found


def running_calls(environ: dict[str, str]) -> object:
    return status(environ).get("calls")
