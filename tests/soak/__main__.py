"""`make soak`: agents and people at work for minutes; figures as JSON on stdout.

Never waits for a slow machine to be fast: it fails on errors, on memory that grows after the first
minute, and on descriptors that stay open.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mp_mcp.demo.running import simulator
from mp_mcp.resolve import base_url_name
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.chaos.workers import Gate
from tests.processes.agents import bare_environ, mp
from tests.processes.quotas import grant
from tests.soak.gauge import Taken, milliseconds, taken_by
from tests.soak.loops import DAYS, AgentLoop, Book, HumanLoop, Loop

MOST_GROWTH = 0.05
REST_S = 80.0
"""After the last call, before it is measured: by then the file is let go, as it is most days."""

SAMPLE_S = 1.0

KEPT_OPEN = 5
"""Idle connections to Mixpanel come and go by some: the pool keeps what its busiest second took."""


def main() -> None:
    """Exit 1 when the soak found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--humans", type=int, default=4)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="mp-soak-") as name,
        simulator(days=6, events_per_day=2000, last_day=DAYS["to_date"]) as mixpanel,
        ExitStack() as stack,
    ):
        home = Home(Path(name) / "mp")
        environ = bare_environ() | {"MP_HOME": str(home.path)} | mixpanel.environ()
        grant(home, f"{base_url_name(mixpanel.base_url)}/{environ['MP_PROJECT_ID']}")
        stack.callback(mp, environ, "server", "stop")
        found = soak(home, environ, options)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    sys.exit(1 if found["failures"] else 0)


def soak(home: Home, environ: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    """The figures, with what is wrong about them."""
    events = mp(environ, "fetch", "events", *_days()).json["rows"]
    gate, book = Gate(), Book()
    agents = [
        AgentLoop(f"agent{n}", environ, "legacy" if n % 2 else "modern", gate, book, events)
        for n in range(options.agents)
    ]
    humans = [HumanLoop(f"human{n}", environ, gate, book, events) for n in range(options.humans)]
    loops: list[Loop] = [*agents, *humans]
    try:
        return _measured(home, gate, book, loops, options.minutes * 60)
    finally:
        gate.end()
        for loop in loops:
            loop.join(60)
        for agent in agents:
            agent.agent.close()


def _days() -> Sequence[str]:
    return ("--from", DAYS["from_date"], "--to", DAYS["to_date"])


def _measured(
    home: Home, gate: Gate, book: Book, loops: Sequence[Loop], seconds: float
) -> dict[str, Any]:
    pid = lease.server_info(home)["pid"]
    for loop in loops:
        loop.start()
    taken = [taken_by(pid)]
    under_load: list[int] = []
    first = min(60.0, seconds / 3)
    for pause in (first, seconds - first):
        gate.open()
        _watch(pid, pause, under_load)
        if not gate.close():
            book.wrong("a call never came back")
        time.sleep(REST_S)
        taken.append(taken_by(pid))
    if lease.server_info(home).get("pid") != pid:
        book.wrong("the server is another one now")
    return _figures(book, taken, under_load, seconds)


def _watch(pid: int, seconds: float, rss: list[int]) -> None:
    """Let them work so long; each minute adds the middle of what it took in megabytes."""
    end = time.monotonic() + seconds
    samples: list[int] = []
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(SAMPLE_S, left))
        samples.append(taken_by(pid).rss_kb // 1000)
        if len(samples) >= 60:
            rss.append(sorted(samples)[len(samples) // 2])
            samples.clear()


def _figures(
    book: Book, taken: Sequence[Taken], under_load: Sequence[int], seconds: float
) -> dict[str, Any]:
    names = ("start", "after the first minute", "end")
    growth = taken[2].rss_kb / taken[1].rss_kb - 1
    failures = []
    if book.errors:
        failures.append(f"{len(book.errors)} errors")
    if growth > MOST_GROWTH:
        failures.append(f"memory grew by {growth:.1%} after the first minute")
    if taken[2].fds > taken[1].fds + KEPT_OPEN:
        failures.append(f"{taken[1].fds} descriptors became {taken[2].fds}")
    return {
        "seconds": seconds,
        "calls": sum(map(len, book.seconds.values())),
        "errors": len(book.errors),
        "classes": {name: milliseconds(found) for name, found in sorted(book.seconds.items())},
        "server": dict(zip(names, (one._asdict() for one in taken), strict=True)),
        "growth_after_the_first_minute": round(growth, 4),
        "mb_under_load_by_minute": under_load,
        "some_errors": book.errors[:20],
        "failures": failures,
    }


if __name__ == "__main__":
    main()
