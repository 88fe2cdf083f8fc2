"""The HTTP door: the same server through Streamable HTTP, opened and found by `mp server`."""

import json
import os
import signal
import socket

import pytest

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Era, mp
from tests.processes.http_agents import HttpAgent, Place
from tests.processes.waiting import wait_until

ERAS = pytest.mark.parametrize("era", ["legacy", "modern"])


@ERAS
def test_http_socket_and_terminal_share_tools_and_state(environ: dict[str, str], era: Era) -> None:
    place = Place.of(environ)
    web = HttpAgent(place, era)
    with Agent(environ, era) as agent:
        theirs, ours = agent.request("tools/list")["tools"], web.request("tools/list")
        assert ours[-1]["result"]["tools"] == theirs
        web.call("save_table", table="shared", sql="SELECT 41 + 1 AS answer")
        assert agent.call("query_sql", sql="SELECT answer FROM shared")["rows"] == [[42]]
    assert mp(environ, "query", "sql", "FROM shared").rows == [[42]]
    seen = mp(environ, "history", "--format", "json", "--client", "web agent").stdout
    assert "save_table" in seen
    assert web.call("inspect_events")["project"] == environ["MP_PROJECT_ID"]
    refused = web.result("export_sql", sql="SELECT 1", file="x.csv")
    assert refused["structuredContent"]["code"] == "usage"


@ERAS
def test_progress_travels_with_the_answer(environ: dict[str, str], era: Era) -> None:
    web = HttpAgent(Place.of(environ), era)
    days = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
    call = {"name": "fetch_events", "arguments": days, "_meta": {"progressToken": "p"}}
    *notes, answer = web.request("tools/call", **call)
    assert answer["result"]["isError"] is False
    assert {note["method"] for note in notes} == {"notifications/progress"}


def test_a_running_server_opens_the_door_and_its_clients_notice_nothing(
    offline: dict[str, str],
) -> None:
    with Agent(offline) as agent:
        agent.call("save_table", table="t", sql="SELECT 1")
        pid = mp(offline, "server", "status").json["pid"]
        started = mp(offline, "server", "start", "--http").json
        assert started["pid"] == pid
        assert agent.call("query_sql", sql="FROM t")["rows"] == [[1]]
    assert mp(offline, "server", "start", "--http").json["http"] == started["http"]
    assert mp(offline, "server", "status").json["http"] == started["http"]


@ERAS
def test_an_open_session_is_in_the_list_of_clients(offline: dict[str, str], era: Era) -> None:
    web = HttpAgent(Place.of(offline), era, name="tidy")
    assert "http tidy 1" in web.call("inspect_workspace")["clients"]
    clients = mp(offline, "server", "status").json["clients"]
    # Since 2026-07-28 there is no session: a client is there while it asks.
    assert ("http tidy 1" in clients) == (era == "legacy")
    web.close()
    assert "http tidy 1" not in mp(offline, "server", "status").json["clients"]


def test_the_port_is_a_choice_and_a_busy_one_is_named(offline: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = str(other.getsockname()[1])
        refused = mp(offline, "server", "start", "--http", "--port", busy)
        assert refused.code == 3
        assert f"port {busy}" in refused.stderr
        assert "--port" in refused.stderr
    assert (
        mp(offline, "server", "start", "--http", "--port", busy)
        .json["http"]
        .endswith(f":{busy}/mcp")
    )
    elsewhere = mp(offline, "server", "start", "--http", "--port", str(int(busy) - 1))
    assert elsewhere.code == 3
    assert "open already" in elsewhere.stderr


def test_a_killed_servers_door_opens_again_with_port_and_token(
    offline: dict[str, str], home: Home
) -> None:
    place = Place.of(offline)
    os.kill(lease.server_info(home)["pid"], signal.SIGKILL)
    wait_until(lambda: not lease.is_held(home))
    assert mp(offline, "server", "start").code == 0
    wait_until(lambda: mp(offline, "server", "status").json["http"] == place.url)
    assert HttpAgent(place, "modern").call("inspect_workspace")["project"] == "1001"


def test_a_stopped_servers_door_stays_closed_until_it_is_opened_as_before(
    offline: dict[str, str],
) -> None:
    place = Place.of(offline)
    assert mp(offline, "server", "stop").code == 0
    assert mp(offline, "server", "start").code == 0
    assert mp(offline, "server", "status").json["http"] is None
    closed = mp(offline, "server", "status", "--show-token")
    assert closed.code == 3
    assert "mp server start --http" in closed.stderr
    assert Place.of(offline) == place


@ERAS
def test_a_server_that_leaves_ends_open_requests(
    offline: dict[str, str], home: Home, era: Era
) -> None:
    web = HttpAgent(Place.of(offline), era)
    web.call("inspect_workspace")
    with socket.create_connection(("127.0.0.1", web.place.port), timeout=30) as half:
        half.sendall(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n")  # and then it says no more
        assert mp(offline, "server", "stop").code == 0
        assert half.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        web.place.ask(b"{}")


def test_configurations_are_valid_and_name_the_program(offline: dict[str, str], home: Home) -> None:
    place = Place.of(offline)
    for client in ("claude-code", "claude-desktop", "cursor", "vscode", "inspector"):
        stdio = mp(offline, "server", "config", client)
        servers = stdio.json["servers" if client == "vscode" else "mcpServers"]
        assert os.access(servers["mixpanel"]["command"], os.X_OK)
        assert servers["mixpanel"]["command"].startswith("/")
        assert servers["mixpanel"]["env"]["MP_HOME"] == str(home.path)
        web = mp(offline, "server", "config", client, "--http")
        assert place.url in web.stdout
        assert place.token not in web.stdout + web.stderr
        assert "mp server status --show-token" in web.stderr
        ways = {"vscode": "type it when asked", "claude-code": "set MIXPANEL_MCP_TOKEN"}
        ways["cursor"] = ways["claude-code"]
        assert ways.get(client, "replace the word TOKEN") in web.stderr
        assert ("Bearer TOKEN" in web.stdout) is (client not in ways)
        shown = mp(offline, "server", "config", client, "--http", "--show-token")
        assert place.token in json.dumps(shown.json)


def test_the_configuration_starts_a_server_that_works(offline: dict[str, str]) -> None:
    server = mp(offline, "server", "config", "cursor").json["mcpServers"]["mixpanel"]
    with Agent(server["env"], command=[server["command"], *server["args"]]) as agent:
        assert agent.call("query_sql", sql="SELECT 1")["rows"] == [[1]]


def test_the_configuration_leads_to_the_same_mixpanel(offline: dict[str, str]) -> None:
    environ = offline | {"MP_API_BASE_URL": "http://127.0.0.1:9", "MP_SECRET": "s3cret-of-mine"}
    found = mp(environ, "server", "config", "cursor").json["mcpServers"]["mixpanel"]["env"]
    assert found["MP_API_BASE_URL"] == "http://127.0.0.1:9"
    assert "MP_SECRET" not in found
    environ["MP_API_BASE_URL"] = "http://me:s3cret-of-mine@127.0.0.1:9"
    refused = mp(environ, "server", "config", "cursor")
    assert (refused.code, refused.stdout) == (3, "")
    assert "s3cret-of-mine" not in refused.stderr


def test_claude_code_gets_a_command_line_too(offline: dict[str, str]) -> None:
    words = mp(offline, "server", "config", "claude-code", "-f", "plain").stdout.split()
    assert words[:4] == ["claude", "mcp", "add", "mixpanel"]
    assert words[-2] == "--"
    assert os.access(words[-1], os.X_OK)


def test_an_unknown_client_is_answered_with_the_known_ones(offline: dict[str, str]) -> None:
    refused = mp(offline, "server", "config", "emacs")
    assert refused.code == 3
    assert "claude-code, claude-desktop, cursor" in refused.stderr


def test_the_token_is_masked_wherever_a_call_is_kept(offline: dict[str, str], home: Home) -> None:
    with Agent(offline) as agent:
        agent.call("inspect_workspace")  # it was here before the door opened
        place = Place.of(offline)
        sql = f"SELECT '{place.token}' AS told"
        agent.call("query_sql", sql=sql)
        agent.error("query_sql", sql=f"SELECT {place.token[:3]!r} FROM '{place.token}'")
        HttpAgent(place, "modern").call("query_sql", sql=sql)
        mp(offline, "server", "stop")
        agent.call("query_sql", sql=sql)
        assert mp(offline, "server", "status", "-f", "json").json["http"] is None
    mp(offline, "server", "stop")
    assert mp(offline | {"MP_SERVER": "off"}, "query", "sql", sql).code == 0
    seen = mp(offline, "history", "--format", "json").stdout
    assert seen.count("SELECT '***' AS told") == 4
    mp(offline, "server", "stop")
    for path in (*home.path.glob("state.db*"), *home.logs.iterdir()):
        assert place.token.encode() not in path.read_bytes(), path
    assert place.token not in seen
