"""A server that was stopped is reported while calls wait for it; a client without a host leaves."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import BIN, Agent, Command, mp
from tests.processes.test_server_life import LONG, hand_over, running_calls
from tests.processes.waiting import wait_until

MUCH = "SELECT '" + "x" * 500_000 + "'"
"""Longer than what a socket holds."""


@contextmanager
def stopped(home: Home) -> Iterator[int]:
    """The server does nothing meanwhile."""
    pid = lease.server_info(home)["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_command_that_waits_for_a_stopped_server_says_so(
    offline: dict[str, str], home: Home
) -> None:
    command = Command(offline, "query", "sql", LONG)
    wait_until(lambda: running_calls(offline))
    with stopped(home) as pid:
        found = command.finish()
        assert found.code == 1
        assert f"The shared server (pid {pid}) is stopped" in found.stderr
        assert f"`kill -CONT {pid}` wakes" in found.stderr
        late = mp(offline, "inspect", "workspace")
        assert f"(pid {pid}) is stopped" in late.stderr, "before the patience for a busy one ends"
    wait_until(lambda: not running_calls(offline))


def test_an_agent_that_waits_for_a_stopped_server_is_told_and_goes_on_afterwards(
    offline: dict[str, str], home: Home
) -> None:
    with Agent(offline) as agent:
        call = agent.start_call("query_sql", sql=LONG)
        wait_until(lambda: running_calls(offline))
        with stopped(home) as pid:
            told = agent.wait(call)["result"]
            assert told["isError"]
            assert told["structuredContent"]["code"] == "server_unreachable"
            assert f"(pid {pid}) is stopped" in told["structuredContent"]["message"]
            listing = agent.wait(agent.start("tools/list"))
            assert f"(pid {pid}) is stopped" in listing["error"]["message"]
            assert f"kill -CONT {pid}" in listing["error"]["data"]["hint"]
        assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]
        assert lease.server_info(home)["pid"] == pid
        wait_until(lambda: not running_calls(offline))


def test_an_agent_that_cannot_even_send_to_a_stopped_server_is_told(
    offline: dict[str, str], home: Home
) -> None:
    with Agent(offline) as agent:
        agent.call("inspect_workspace")
        with stopped(home):
            calls = [agent.start_call("query_sql", sql=MUCH) for _ in range(3)]
            answers = [agent.wait(call)["result"] for call in calls]
            assert all("is stopped" in a["structuredContent"]["message"] for a in answers)
        assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]


HOST = """
import subprocess, sys
agent = subprocess.Popen(sys.argv[1])
print(agent.pid, flush=True)
agent.wait()
"""


def test_a_client_leaves_when_its_host_has_died_with_the_pipe_still_open(
    offline: dict[str, str], home: Home
) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, BIN / "mp-mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=offline,
    )
    assert host.stdin and host.stdout
    with host.stdin, host.stdout:
        pid = int(host.stdout.readline())
        host.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"mp/refused"}\n')
        host.stdin.flush()
        assert b"not for agents" in host.stdout.readline(), "it has started"
        host.kill()
        host.wait()
        # This process holds the other end of its stdin, as a sibling of a real host may.
        wait_until(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    """Whether it exists and has not ended: nobody may be there to collect its end."""
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False


def test_a_newer_version_takes_over_without_losing_a_write(
    offline: dict[str, str], home: Home
) -> None:
    acknowledged: list[str] = []
    over = threading.Event()

    def write(name: str) -> None:
        with Agent(offline) as agent:
            number = 0
            while not over.is_set() or number < 3:
                table = f"{name}_{number}"
                call = agent.start_call("save_table", table=table, sql=f"SELECT {number} AS n")
                result = agent.wait(call)["result"]
                if result["isError"]:
                    assert result["structuredContent"]["retryable"], result
                else:
                    acknowledged.append(table)
                number += 1

    writers = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(acknowledged) > 1)
    before = len(acknowledged)
    hand_over(home)
    wait_until(lambda: len(acknowledged) > before + 1)
    over.set()
    for writer in writers:
        writer.join(60)
    rows = mp(offline, "inspect", "tables").rows
    assert {row[0] for row in rows} >= set(acknowledged)
    assert all(row[2] == 1 for row in rows), "each whole, and once"
