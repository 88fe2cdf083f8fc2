"""How fast calls are answered: one after another, many at once, and beside long ones."""

import threading
import time
from collections.abc import Mapping

from tests.bench.timing import Figures, milliseconds, timed
from tests.processes.agents import Agent, mp
from tests.processes.waiting import wait_until

LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"
SCAN = "SELECT range % 7, count(*) FROM range(20000) GROUP BY 1 ORDER BY 1"


def one_by_one(environ: Mapping[str, str]) -> Figures:
    """`select 1` through mp-mcp, one call after another."""
    with Agent(environ) as agent:
        agent.call("query_sql", sql="select 1")
        samples = [timed(lambda: agent.call("query_sql", sql="select 1")) for _ in range(1000)]
    return milliseconds(samples)


def many_at_once(environ: Mapping[str, str], agents: int = 4, each: int = 8) -> Figures:
    """32 calls in flight over several agents: select 1, small scans and inspections, mixed."""
    opened = [Agent(environ).__enter__() for _ in range(agents)]
    samples: list[float] = []
    wrong = 0

    def ask(agent: Agent, seed: int) -> None:
        nonlocal wrong
        for number in range(100):
            value = seed * 1000 + number
            started = time.perf_counter()
            if number % 10 == 0:
                agent.call("inspect_workspace")
            elif number % 10 == 1:
                agent.call("query_sql", sql=SCAN)
            else:
                found = agent.call("query_sql", sql=f"select {value}")
                wrong += found["rows"] != [[value]]
            samples.append(time.perf_counter() - started)

    threads = [
        threading.Thread(target=ask, args=(agent, index * each + number))
        for index, agent in enumerate(opened)
        for number in range(each)
    ]
    elapsed = timed(lambda: [*map(threading.Thread.start, threads), *(t.join() for t in threads)])
    for agent in opened:
        agent.close()
    return {
        **milliseconds(samples),
        "in_flight": len(threads),
        "calls_per_s": round(len(samples) / elapsed, 1),
        "wrong_answers": wrong,
    }


def beside_a_long_query(environ: Mapping[str, str]) -> Figures:
    """Pings and short reads while a long query runs; then how fast closing stdin ends it."""
    with Agent(environ, "legacy") as agent, Agent(environ, "legacy") as long:
        long.start_call("query_sql", sql=LONG, timeout=30)
        wait_until(lambda: _calls(environ))
        pings = [timed(lambda: agent.request("ping")) for _ in range(100)]
        reads = [timed(lambda: agent.call("query_sql", sql="select 1")) for _ in range(100)]
        still_running = bool(_calls(environ))
        ends = timed(lambda: (long.close(), _until_quiet(agent)))
    return {
        "ping": milliseconds(pings),
        "select 1": milliseconds(reads),
        "long query ran to the end of this": still_running,
        "closed stdin to query gone_ms": round(ends * 1000, 1),
    }


def _calls(environ: Mapping[str, str]) -> list[object]:
    calls: list[object] = mp(environ, "server", "status", "--format", "json").json["calls"]
    return calls


def _until_quiet(agent: Agent) -> None:
    """Until the server says that no client but this one is there."""
    wait_until(lambda: len(agent.call("inspect_workspace")["clients"]) == 1)
