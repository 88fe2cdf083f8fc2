"""How fast calls are answered: one after another, many at once, and beside long ones."""

import asyncio
import itertools
import json
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.bench.timing import Figures, cpu_s, milliseconds, timed
from tests.processes.agents import BIN, META, Agent, mp
from tests.processes.waiting import wait_until

LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"
SCAN = "SELECT range % 7, count(*) FROM range(20000) GROUP BY 1 ORDER BY 1"


def one_by_one(environ: Mapping[str, str]) -> Figures:
    """`select 1` through mp-mcp, one call after another."""
    with Agent(environ) as agent:
        agent.call("query_sql", sql="select 1")
        samples = [timed(lambda: agent.call("query_sql", sql="select 1")) for _ in range(1000)]
    return milliseconds(samples)


def many_at_once(environ: Mapping[str, str], home: Home) -> Figures:
    """32 calls in flight over 4 agents: select 1, small scans and inspections, mixed."""
    return asyncio.run(_many_at_once(environ, home, agents=4, each=8, calls=1000))


async def _many_at_once(
    environ: Mapping[str, str], home: Home, *, agents: int, each: int, calls: int
) -> Figures:
    samples: list[float] = []
    pid = lease.server_info(home)["pid"]
    cpu = cpu_s(pid)
    started = time.perf_counter()
    wrong = await asyncio.gather(*(_one(environ, each, calls, samples) for _ in range(agents)))
    elapsed = time.perf_counter() - started
    return {
        **milliseconds(samples),
        "in_flight": agents * each,
        "calls_per_s": round(len(samples) / elapsed, 1),
        "server_cpu_ms_per_call": round((cpu_s(pid) - cpu) / len(samples) * 1000, 3),
        "wrong_answers": sum(wrong),
    }


async def _one(environ: Mapping[str, str], in_flight: int, calls: int, samples: list[float]) -> int:
    """One lean agent that keeps so many calls in flight; how many answers were wrong."""
    process = await asyncio.create_subprocess_exec(
        BIN / "mp-mcp", stdin=PIPE, stdout=PIPE, env=dict(environ), limit=1 << 20
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin and stdout
    sent: dict[int, float] = {}
    following = iter(range(calls))
    wrong = 0

    def send() -> None:
        for number in itertools.islice(following, 1):
            sent[number] = time.perf_counter()
            stdin.write(_request(number))

    for _ in range(in_flight):
        send()
    for _ in range(calls):
        answer = json.loads(await stdout.readline())
        number = answer["id"]
        samples.append(time.perf_counter() - sent.pop(number))
        content = answer["result"]["structuredContent"]
        wrong += number % 10 > 1 and content.get("rows") != [[number]]
        send()
    stdin.close()
    await process.wait()
    return wrong


def _request(number: int) -> bytes:
    tool, arguments = "query_sql", {"sql": f"select {number}"}
    if number % 10 == 0:
        tool, arguments = "inspect_workspace", {}
    elif number % 10 == 1:
        arguments = {"sql": SCAN}
    params = {"name": tool, "arguments": arguments, "_meta": META}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    return json.dumps(message).encode() + b"\n"


def beside_a_long_query(environ: Mapping[str, str]) -> Figures:
    """Pings and short reads while a long query runs; then how fast closing stdin ends it."""
    with Agent(environ, "legacy") as agent, Agent(environ, "legacy") as long:
        long.start_call("query_sql", sql=LONG, timeout=30)
        wait_until(lambda: _calls(environ))
        pings = [timed(lambda: agent.request("ping")) for _ in range(100)]
        reads = [timed(lambda: agent.call("query_sql", sql="select 1")) for _ in range(100)]
        still_running = bool(_calls(environ))
        started = time.perf_counter()
        long.close()
        wait_until(lambda: len(agent.call("inspect_workspace")["clients"]) == 1)
        ends = time.perf_counter() - started
    return {
        "ping": milliseconds(pings),
        "select 1": milliseconds(reads),
        "long query ran to the end of this": still_running,
        "closed stdin to query gone_ms": round(ends * 1000, 1),
    }


def _calls(environ: Mapping[str, str]) -> list[object]:
    calls: list[object] = mp(environ, "server", "status", "--format", "json").json["calls"]
    return calls
