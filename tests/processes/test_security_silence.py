"""Programs that connect and say nothing keep nobody out, at neither door."""

import resource
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

from mp_mcp.server import lease, open_files
from mp_mcp.settings import Home
from tests.processes.agents import BIN, Agent, mp
from tests.processes.conftest import configure_server
from tests.processes.http_agents import HttpAgent, Place

FEW = 512
MANY = 600
"""Connections that say nothing: more than a server may have files open that has only a few."""


def with_few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, FEW))


def test_silent_clients_of_both_doors_lock_nobody_out(offline: dict[str, str], home: Home) -> None:
    configure_server(home, max_clients=1)
    open_files.allow_enough()  # here, for our ends of the connections
    started = [str(BIN / "mp"), "server", "start", "--http"]
    subprocess.run(started, env=offline, check=True, capture_output=True, preexec_fn=with_few_files)
    place = Place.of(offline)
    pid = lease.server_info(home)["pid"]
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    [line] = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(FEW), str(FEW)], "the server may use all that is allowed"
    # They stay open, whichever end has given up.
    with ExitStack() as silent:
        for _ in range(MANY):
            client = silent.enter_context(socket.create_connection(("127.0.0.1", place.port)))
            client.setblocking(False)
        for _ in range(MANY // 3):
            silent.enter_context(lease.dial(home))
        with Agent(offline) as agent:
            assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]
            assert mp(offline, "server", "status", "-f", "json").json["pid"] == pid
            assert mp(offline, "inspect", "workspace").json["server_pid"] == pid
        web = HttpAgent(place, "modern")
        assert web.call("query_sql", sql="SELECT 7")["rows"] == [[7]]
        assert mp(offline, "server", "stop").code == 0
    assert "Traceback" not in home.server_log.read_text(encoding="utf-8")
    assert home.server_stderr.read_text(encoding="utf-8") == ""
