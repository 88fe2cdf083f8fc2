"""What the server does when nobody asks anything."""

from functools import partial

from mp_mcp.settings import Home
from mp_mcp.store import file_size
from tests.processes.agents import Agent
from tests.processes.waiting import wait_until


def is_merged(home: Home) -> bool:
    (database,) = home.path.glob("data/**/*.db")
    return not file_size.of_log(database)


def test_in_a_quiet_moment_the_log_goes_into_the_file(offline: dict[str, str], home: Home) -> None:
    with Agent(offline) as agent:
        for table in ("first", "kept"):  # for the second one the file is open already
            agent.call("save_table", table=table, sql="SELECT range AS n FROM range(1000)")
            wait_until(partial(is_merged, home))
        found = agent.call("query_sql", sql="SELECT count(*), max(n) FROM kept")
    assert found["rows"] == [[1000, 999]]
