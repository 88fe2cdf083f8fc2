"""What the server does when nobody asks anything."""

from mp_mcp.settings import Home
from mp_mcp.store import file_size
from tests.processes.agents import Agent
from tests.processes.waiting import wait_until


def test_in_a_quiet_moment_the_log_goes_into_the_file(offline: dict[str, str], home: Home) -> None:
    with Agent(offline) as agent:
        agent.call("save_table", table="kept", sql="SELECT range AS n FROM range(1000)")
        (database,) = home.path.glob("data/**/*.db")
        assert file_size.of_log(database) > 0
        wait_until(lambda: not file_size.of_log(database))
        found = agent.call("query_sql", sql="SELECT count(*), max(n) FROM kept")
    assert found["rows"] == [[1000, 999]]
