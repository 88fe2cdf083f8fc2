"""The state folder vanishes, the disk is full, the clock jumps, paths are long: answers go on."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.chaos.disks import SmallFiles
from tests.processes.agents import Agent, mp
from tests.processes.waiting import wait_until

DAY_S = 86_400
ONE_DAY = {"from_date": "2025-03-01", "to_date": "2025-03-01"}


def test_a_removed_state_folder_costs_what_was_in_it_and_nothing_else(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        agent.call("fetch_events", **ONE_DAY)
        pid = agent.call("inspect_workspace")["server_pid"]
        shutil.rmtree(home.path)
        # Whoever answers now, the old server or the next one: every call gets its answer.
        wait_until(lambda: answered(agent, "inspect_workspace")["server_pid"] != pid)
        assert agent.call("inspect_events")["rows"]
        assert agent.error("query_sql", sql="FROM events")["code"] == "table_missing"
        assert agent.call("fetch_events", **ONE_DAY)["rows"] == mixpanel.truth(**ONE_DAY)["events"]
    assert mp(environ, "inspect", "workspace").json["server_pid"] != pid


def answered(agent: Agent, tool: str) -> dict[str, Any]:
    """The answer to a call, repeated as often as the errors say that it may be."""
    for _ in range(5):
        result = agent.wait(agent.start_call(tool))["result"]
        content: dict[str, Any] = result["structuredContent"]
        if not result["isError"]:
            return content
        assert content["retryable"], content
    raise AssertionError("never answered")


def test_on_a_full_disk_answers_are_as_ever_and_the_state_lives_on_in_memory(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        agent.call("fetch_events", **ONE_DAY)
        disk = SmallFiles(home)
        disk.leave(0)
        log = home.server_log.read_bytes()
        for event in ("Sign Up", "Login", "Sign Up"):
            agent.call("query_event_counts", events=[event], **ONE_DAY)
        workspace = agent.call("inspect_workspace")
        assert workspace["state"] == "memory"
        used = {budget["api"]: budget["used"] for budget in workspace["budget"]}
        assert (used["query"], used["export"]) == (2, 1), "and what was spent before is known"
        refused = agent.error("fetch_events", from_date="2025-03-02", to_date="2025-03-02")
        assert refused["code"] == "disk_full"
        assert agent.call("query_sql", sql="SELECT count(*) > 0 FROM events")["rows"] == [[True]]
        assert home.server_log.read_bytes() == log, "nothing more could be written"
        disk.free()
        assert agent.call("fetch_events", from_date="2025-03-02", to_date="2025-03-02")["rows"]


CLOCK = """
import datetime, pathlib, sys, time
jump = pathlib.Path(sys.argv.pop(1))
real_time, real_datetime = time.time, datetime.datetime
class Shifted(real_datetime):
    @classmethod
    def now(cls, tz=None):
        return real_datetime.fromtimestamp(time.time(), tz)
time.time = lambda: real_time() + float(jump.read_text())
import pydantic, duckdb
datetime.datetime = Shifted
from mp_mcp.server.__main__ import main
main()
"""


@contextmanager
def server_with_a_clock(home: Home, jump: Path) -> Iterator[Callable[[float], None]]:
    """A server whose wall clock is ahead of ours by as many seconds as it is told."""
    jump.write_text("0")
    server = subprocess.Popen(
        [sys.executable, "-c", CLOCK, jump], env={"MP_HOME": str(home.path), "PATH": "/usr/bin"}
    )
    try:
        wait_until(lambda: lease.server_info(home).get("ready"))

        def ahead(seconds: float) -> None:
            jump.with_suffix(".new").write_text(str(seconds))
            jump.with_suffix(".new").replace(jump)

        yield ahead
    finally:
        server.terminate()
        server.wait(30)


def test_a_clock_that_jumps_stops_no_call(
    environ: dict[str, str], home: Home, mixpanel: Running, tmp_path: Path
) -> None:
    with server_with_a_clock(home, tmp_path / "jump") as jump, Agent(environ) as agent:
        agent.call("query_event_counts", events=["Login"], **ONE_DAY)
        for days in (30, -30):
            held = agent.start_call("query_sql", sql="SELECT count(*) FROM range(300000000)")
            jump(days * DAY_S)
            assert agent.finish(held)["rows"] == [[300_000_000]]
            again = agent.call("query_event_counts", events=["Login"], **ONE_DAY)
            assert "cached_at" not in again, "neither of the future nor of a month ago"
            for budget in agent.call("inspect_workspace")["budget"]:
                assert budget.get("next_free_s", 0) <= budget["window_s"]
                assert budget["used"] <= 2
            truth = mixpanel.truth(**ONE_DAY)["events"]
            assert agent.call("fetch_events", table=f"t{abs(days + 1)}", **ONE_DAY)["rows"] == truth
        assert len(agent.call("inspect_jobs")["rows"]) == 2
        assert agent.call("inspect_workspace")["clients"], "nobody was taken for idle"


def test_a_state_folder_whose_path_is_too_long_for_a_socket_is_served(
    offline: dict[str, str], home: Home
) -> None:
    deep = home.path / ("d" * 120) / ("e" * 120)
    environ = offline | {"MP_HOME": str(deep)}
    try:
        with Agent(environ) as agent, Agent(environ, "legacy") as other:
            agent.call("save_table", table="t", sql="SELECT 7 AS n")
            assert other.call("query_sql", sql="FROM t")["rows"] == [[7]]
            pid = mp(environ, "inspect", "workspace").json["server_pid"]
            assert agent.call("inspect_workspace")["server_pid"] == pid
            assert mp(environ, "server", "stop").json["pid"] == pid
            assert agent.call("query_sql", sql="FROM t")["rows"] == [[7]], "the next server"
    finally:
        mp(environ, "server", "stop")
