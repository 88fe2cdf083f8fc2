"""How fast calls are answered: one after another, and many at once. Never asserts."""

import asyncio
import itertools
import json
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.bench.timing import Figures, cpu_s, milliseconds, timed
from tests.processes.agents import BIN, META, Agent

SCAN = "SELECT range % 7, count(*) FROM range(20000) GROUP BY 1 ORDER BY 1"


def one_by_one(environ: Mapping[str, str]) -> Figures:
    """`select 1` through mp-mcp, one call after another."""
    with Agent(environ) as agent:
        agent.call("query_sql", sql="select 1")
        samples = [timed(lambda: agent.call("query_sql", sql="select 1")) for _ in range(1000)]
    return milliseconds(samples)


AGENTS, EACH, CALLS = 4, 8, 1000


def many_at_once(
    environ: Mapping[str, str], home: Home, until: Callable[[], bool] = lambda: True
) -> Figures:
    """32 calls in flight over 4 agents: select 1, small scans and inspections, mixed.

    It goes on until that holds, too.
    """
    return asyncio.run(_many_at_once(environ, home, until))


async def _many_at_once(
    environ: Mapping[str, str], home: Home, until: Callable[[], bool]
) -> Figures:
    samples: list[float] = []
    pid = lease.server_info(home)["pid"]
    cpu = cpu_s(pid)
    started = time.perf_counter()
    wrong = await asyncio.gather(*(_one(environ, until, samples) for _ in range(AGENTS)))
    elapsed = time.perf_counter() - started
    return {
        **milliseconds(samples),
        "in_flight": AGENTS * EACH,
        "calls_per_s": round(len(samples) / elapsed, 1),
        "server_cpu_ms_per_call": round((cpu_s(pid) - cpu) / len(samples) * 1000, 3),
        "wrong_answers": sum(wrong),
    }


async def _one(environ: Mapping[str, str], until: Callable[[], bool], samples: list[float]) -> int:
    """One lean agent that keeps its calls in flight; how many answers were wrong."""
    process = await asyncio.create_subprocess_exec(
        BIN / "mp-mcp", stdin=PIPE, stdout=PIPE, env=dict(environ), limit=1 << 20
    )
    stdin, stdout = process.stdin, process.stdout
    assert stdin and stdout
    sent: dict[int, float] = {}
    wrong = 0
    for number in itertools.count():
        if number >= CALLS and until():
            break
        if len(sent) == EACH:
            wrong += await _answer(stdout, sent, samples)
        sent[number] = time.perf_counter()
        stdin.write(_request(number))
    while sent:
        wrong += await _answer(stdout, sent, samples)
    stdin.close()
    await process.wait()
    return wrong


async def _answer(
    stdout: asyncio.StreamReader, sent: dict[int, float], samples: list[float]
) -> bool:
    """Take one answer; whether it was wrong."""
    answer = json.loads(await stdout.readline())
    number = answer["id"]
    samples.append(time.perf_counter() - sent.pop(number))
    content = answer["result"]["structuredContent"]
    return bool(number % 10 > 1 and content.get("rows") != [[number]])


def _request(number: int) -> bytes:
    tool, arguments = "query_sql", {"sql": f"select {number}"}
    if number % 10 == 0:
        tool, arguments = "inspect_workspace", {}
    elif number % 10 == 1:
        arguments = {"sql": SCAN}
    params = {"name": tool, "arguments": arguments, "_meta": META}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    return json.dumps(message).encode() + b"\n"
