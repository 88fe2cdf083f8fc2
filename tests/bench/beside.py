"""How fast calls are answered beside a long query and beside a fetch. Never asserts a time."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.bench.timing import Figures, milliseconds, timed
from tests.processes.agents import Agent
from tests.processes.waiting import wait_until

LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"
SAMPLES = 200
ENDS = 5


def long_query(environ: Mapping[str, str]) -> Figures:
    """Pings and short reads beside a query of more than ten seconds, and how fast it ends."""
    with Agent(environ, "legacy") as agent, Agent(environ, "legacy") as other:
        agent.call("query_sql", sql="select 1")
        number = other.start_call("query_sql", sql=LONG, timeout=120)
        with closing(Watcher(environ)) as watcher:
            wait_until(watcher.runs)
            figures = _short_calls(agent, lambda: True)
            outlived = number not in other.answered and watcher.runs()
        figures["the long query outlived them"] = outlived
    return figures | {
        "from closed stdin to the end of the query": _ends(environ, _close_stdin),
        "from SIGKILL of mp-mcp to the end of the query": _ends(environ, _kill),
    }


def fetch(environ: Mapping[str, str], day: str) -> Figures:
    """Pings and short reads while another agent fetches a day, again and again."""
    with Agent(environ, "legacy") as agent, fetching(environ, day) as fetches:
        figures = _short_calls(agent, lambda: len(fetches) >= 2)
        return figures | {"fetches of events": list(fetches)}


@contextmanager
def fetching(environ: Mapping[str, str], day: str) -> Iterator[list[int]]:
    """One fetch follows the other; yields the events of each that has ended."""
    days = {"from_date": day, "to_date": day}
    fetches: list[int] = []
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            fetches.append(agent.call("fetch_events", **days, refresh=True)["rows_fetched"])

    with Agent(environ) as agent:
        # The simulator makes its files when they are first asked for: not beside the measurement.
        agent.call("fetch_events", **days)
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield fetches
        finally:
            over.set()
            thread.join()


def _short_calls(agent: Agent, until: Callable[[], bool]) -> Figures:
    pings: list[float] = []
    reads: list[float] = []
    while len(pings) < SAMPLES or not until():
        pings.append(timed(lambda: agent.request("ping")))
        reads.append(timed(lambda: agent.call("query_sql", sql="select 1")))
    return {"ping": milliseconds(pings), "select 1": milliseconds(reads)}


def _ends(environ: Mapping[str, str], end: Callable[[Agent], None]) -> dict[str, float]:
    """How long after the end of its client a query still runs; the server is asked, not mp."""
    samples = []
    with closing(Watcher(environ)) as watcher:
        wait_until(lambda: not watcher.runs())
        for _ in range(ENDS):
            client = Agent(environ)
            client.start_call("query_sql", sql=LONG, timeout=120)
            wait_until(watcher.runs)
            started = time.perf_counter()
            end(client)
            while watcher.runs():
                pass
            samples.append(time.perf_counter() - started)
            client.close()
    return milliseconds(samples)


def _close_stdin(client: Agent) -> None:
    assert client.process.stdin
    client.process.stdin.close()


def _kill(client: Agent) -> None:
    client.process.kill()


class Watcher:
    """A front that asks the server for its status, over one open socket."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._socket = lease.dial(Home(Path(environ["MP_HOME"])))
        self._socket.settimeout(60)
        self._answers = self._socket.makefile("rb")
        self._ask("mp/hello", {"version": "0", "label": "bench"})

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()

    def runs(self) -> bool:
        """Whether a query runs on any database."""
        return any(database["running"] for database in self._ask("mp/status", {})["databases"])

    def _ask(self, method: str, params: dict[str, str]) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        result: dict[str, Any] = json.loads(self._answers.readline())["result"]
        return result
