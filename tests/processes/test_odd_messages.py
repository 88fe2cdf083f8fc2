"""What no agent should send, and some do: every request gets an answer."""

import json
import os
import queue
import shutil
import subprocess

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import BIN, PATIENCE_S, Agent, mp
from tests.processes.waiting import wait_until

HALF = "\ud83d"
"""Half of an emoji, as a model leaves it that cuts a text at a number of bytes."""


def test_half_a_character_in_an_argument_is_refused_and_not_waited_for(
    offline: dict[str, str],
) -> None:
    with Agent(offline) as agent:
        answer = agent.wait(agent.start_call("query_sql", sql=f"SELECT '{HALF}'"))
        assert answer["error"]["code"] == -32600
        assert agent.call("query_sql", sql="SELECT 1")["rows"] == [[1]]


def test_bytes_that_are_no_text_are_an_invalid_argument_of_mp(offline: dict[str, str]) -> None:
    words = [os.fsencode(BIN / "mp"), b"query", b"sql", b"select '\xff'"]
    done = subprocess.run(words, env=offline, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr.startswith("error: ")


def test_a_request_whose_id_is_none_is_answered_over_stdio(offline: dict[str, str]) -> None:
    with Agent(offline) as agent:
        agent.call("inspect_workspace")
        agent.replies[None] = queue.SimpleQueue()
        agent._write({"jsonrpc": "2.0", "id": True, "method": "tools/list"})
        assert agent.replies[None].get(timeout=PATIENCE_S)["error"]["code"] == -32600
        assert agent.call("query_sql", sql="SELECT 1")["rows"] == [[1]]


def test_lines_that_are_no_requests_are_answered_where_an_id_can_be_read(
    offline: dict[str, str], home: Home
) -> None:
    mp(offline, "inspect", "workspace")
    client = lease.dial(home)
    with client, client.makefile("rb") as answers:
        for line, request_id in (
            (b"garbage\n", None),
            (b"[]\n", None),
            (b'{"jsonrpc":"1.0","id":99,"method":"ping"}\n', 99),
            (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', None),
        ):
            client.sendall(line)
            answer = json.loads(answers.readline())
            assert answer["error"]["code"] in (-32700, -32600)
            assert answer["id"] == request_id


def test_an_agent_cannot_stop_the_server_that_all_share(
    offline: dict[str, str], home: Home
) -> None:
    with Agent(offline) as agent:
        pid = agent.call("inspect_workspace")["server_pid"]
        assert "error" in agent.wait(agent.start("mp/stop"))
        assert agent.call("inspect_workspace")["server_pid"] == pid


def test_a_server_whose_folder_was_removed_leaves_and_the_next_one_serves(
    offline: dict[str, str], home: Home
) -> None:
    with Agent(offline) as agent:
        old = agent.call("inspect_workspace")["server_pid"]
        agent.call("query_sql", sql="SELECT 1")
        shutil.rmtree(home.path)
        wait_until(lambda: not _lives(old))
        assert agent.call("query_sql", sql="SELECT 2")["rows"] == [[2]]
        assert mp(offline, "inspect", "workspace").json["server_pid"] != old


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
