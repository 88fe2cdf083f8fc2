"""Each limit of the server is named by the error that it causes, and the next call is served."""

from pathlib import Path

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, mp
from tests.processes.conftest import configure_server
from tests.processes.test_server_life import LONG, running_calls
from tests.processes.waiting import wait_until


def test_a_client_too_many_is_told_and_people_still_see_who_has_the_places(
    offline: dict[str, str], home: Home
) -> None:
    configure_server(home, max_clients=2)
    with Agent(offline) as first, Agent(offline, "legacy") as second, Agent(offline) as third:
        first.call("inspect_workspace")
        second.call("inspect_workspace")
        refused = third.error("inspect_workspace")
        assert refused["message"] == "2 clients are connected already, as many as may."
        assert "max_clients" in refused["hint"]
        assert refused["retryable"]
        listing = third.wait(third.start("tools/list"))
        assert listing["error"]["message"] == refused["message"]
        clients = mp(offline, "server", "status", "-f", "json").json["clients"]
        agents = [first.process.pid, second.process.pid]
        assert {f"mp-mcp pid {pid}" for pid in agents} <= set(clients)
        first.close()
        wait_until(lambda: len(mp(offline, "server", "status", "-f", "json").json["clients"]) == 2)
        assert third.call("query_sql", sql="SELECT 7")["rows"] == [[7]]


def test_a_query_that_finds_no_turn_in_its_time_is_told(
    offline: dict[str, str], home: Home
) -> None:
    configure_server(home, max_reads=1)
    with Agent(offline) as agent:
        long = agent.start_call("query_sql", sql=LONG)
        wait_until(lambda: running_calls(offline))
        refused = agent.error("query_sql", sql="SELECT 7", timeout=1)
        assert refused["message"] == "Other queries kept all 1 slots busy for 1 s."
        assert "max_reads" in refused["hint"]
        agent.notify("notifications/cancelled", {"requestId": long})
        assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]


def test_a_query_that_takes_too_much_memory_fails_alone(
    offline: dict[str, str], home: Home
) -> None:
    configure_server(home, max_process_gb=2, max_database_percent=1)
    with Agent(offline) as agent:
        for huge in (
            "SELECT length(repeat('x', 3000000000))",
            "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(20000)",
        ):
            refused = agent.error("query_sql", sql=huge)
            assert "memory" in refused["message"]
            assert "max_database_percent" in refused["hint"]
            assert "max_process_gb" in refused["hint"]
        pid = agent.call("inspect_workspace")["server_pid"]
        assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]
        assert lease.server_info(home)["pid"] == pid


def test_a_request_that_is_too_long_is_told_how_long_it_may_be(
    offline: dict[str, str], tmp_path: Path
) -> None:
    sql = f"SELECT length('{'x' * lease.LONGEST_LINE}')"
    says = f"at most {lease.LONGEST_LINE:,} bytes fit"
    with Agent(offline) as agent:
        refused = agent.error("query_sql", sql=sql)
        assert refused["message"] == f"The request is too long: {says}."
        assert agent.call("query_sql", sql="SELECT 7")["rows"] == [[7]]
    file = tmp_path / "long.sql"
    file.write_text(sql)
    found = mp(offline, "query", "sql", "-F", str(file))
    assert found.code == 3
    assert says in found.stderr
    assert mp(offline, "query", "sql", "SELECT 7").rows == [[7]]
