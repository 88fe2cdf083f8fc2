"""How long a human and an agent wait for the first answer."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from mp_mcp.settings import Home
from tests.bench.timing import Figures, command, milliseconds, side_by_side
from tests.processes.agents import BIN, Agent, mp

BARE_SERVER = """
import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import ListToolsResult, Tool

async def list_tools(ctx, params):
    return ListToolsResult(tools=[Tool(name="one", input_schema={"type": "object"})])

async def main():
    server = Server("bare", on_list_tools=list_tools)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())

anyio.run(main)
"""


def commands(environ: Mapping[str, str]) -> Figures:
    """Whole-process times of `mp` beside the cheapest programs of its kind."""
    mp(environ, "query", "sql", "select 1")
    mp(environ, "inspect", "events")
    return side_by_side(
        {
            "mp query sql 'select 1'": command([BIN / "mp", "query", "sql", "select 1"], environ),
            "mp inspect events, cached": command([BIN / "mp", "inspect", "events", "-q"], environ),
            "mp --help": command([BIN / "mp", "--help"], environ),
            "python -c pass": command([sys.executable, "-c", "pass"], environ),
            "duckdb -c 'select 1'": command([BIN / "duckdb", "-c", "select 1"], environ),
        },
        rounds=30,
    )


def agents(environ: Mapping[str, str], home: Home, folder: Path) -> Figures:
    """From the start of `mp-mcp` to its first tools/list, warm and cold, beside a bare server."""
    bare = folder / "bare.py"
    bare.write_text(BARE_SERVER, encoding="utf-8")
    warm = [_first_list([BIN / "mp-mcp"], environ) for _ in range(15)]
    cold, bare_times = [], []
    for _ in range(7):
        mp(environ, "server", "stop")
        cold.append(_first_list([BIN / "mp-mcp"], environ))
        bare_times.append(_first_list([sys.executable, bare], environ))
    found: Figures = {
        "warm": milliseconds(warm),
        "cold": milliseconds(cold),
        "bare SDK server": milliseconds(bare_times),
    }
    found["cold / bare (medians)"] = round(
        found["cold"]["p50_ms"] / found["bare SDK server"]["p50_ms"], 3
    )
    return found


def _first_list(words: list[str | Path], environ: Mapping[str, str]) -> float:
    """Seconds from the start of the program to its answer; its end is not a part of them."""
    started = time.perf_counter()
    with Agent(environ, "legacy", [str(word) for word in words]) as agent:
        agent.request("tools/list")
        return time.perf_counter() - started
