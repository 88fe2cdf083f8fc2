"""Under load every caller gets its own rows: no lock error, no traceback, no wrong answer."""

import random
import threading

import pytest

from mp_mcp.demo.running import Running
from tests.processes.agents import Agent, mp

ROUNDS = 25


@pytest.mark.parametrize("in_flight", [2, 8, 32])
def test_self_checking_queries_mixed_with_writes_are_all_right(
    environ: dict[str, str], mixpanel: Running, in_flight: int
) -> None:
    days = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
    events = mixpanel.truth(**days)["events"]
    with Agent(environ) as reader, Agent(environ, "legacy") as writer:
        assert writer.call("fetch_events", **days)["rows"] == events
        writes = [writer.start_call("fetch_events", **days) for _ in range(2)]
        wrong: list[object] = []

        def ask(seed: int) -> None:
            pick = random.Random(seed)
            for _ in range(ROUNDS):
                number = pick.randrange(1_000_000)
                rows = pick.randrange(1, 50)
                sql = f"SELECT {number} + range, (SELECT count(*) FROM events) FROM range({rows})"
                found = reader.call("query_sql", sql=sql)["rows"]
                expected = [[number + row, events] for row in range(rows)]
                if sorted(found) != expected:
                    wrong.append((sql, found))

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(in_flight)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        for write in writes:
            assert writer.finish(write)["rows"] == events
    assert mp(environ, "query", "sql", "SELECT count(*) FROM events").rows == [[events]]
