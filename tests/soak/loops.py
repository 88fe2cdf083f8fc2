"""What agents and people do all day: reads, writes, fetches, questions, cancels.

Never expects an error: each one counts, and so does each wrong answer.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from tests.chaos.clients import HumanClient
from tests.chaos.ledger import Ledger
from tests.chaos.workers import Gate
from tests.processes.agents import Agent, Era

LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"
DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-06"}
ROWS = 20_000


class Book:
    """Times by class, and errors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    def took(self, kind: str, seconds: float) -> None:
        """One call is over."""
        with self._lock:
            self.seconds[kind].append(seconds)

    def wrong(self, text: str) -> None:
        """One call did not do what it should."""
        with self._lock:
            self.errors.append(text)


class Loop(threading.Thread):
    """One client that does one thing after the other until the gate ends."""

    def __init__(self, name: str, gate: Gate, book: Book, events: int) -> None:
        super().__init__(name=name, daemon=True)
        self._gate = gate
        self._book = book
        self._events = events
        self._pick = random.Random(name)
        self._acts: dict[str, tuple[int, Callable[[], object]]] = {
            "read": (50, self._read),
            "scan": (15, self._scan),
            "write": (12, self._write),
            "fetch": (3, self._fetch),
            "api": (10, self._api),
            "tables": (5, self._tables),
            "drop": (2, self._drop),
        }

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool. Raises: AssertionError when it is an error."""
        raise NotImplementedError

    def run(self) -> None:
        weights = [weight for weight, _ in self._acts.values()]
        while True:
            with self._gate.turn() as there_is_more:
                if not there_is_more:
                    return
                self._do(self._pick.choices(list(self._acts), weights)[0])

    def _do(self, kind: str) -> None:
        started = time.perf_counter()
        try:
            self._acts[kind][1]()
        except Exception as error:  # noqa: BLE001 - it is counted
            self._book.wrong(f"{self.name} {kind}: {error!r}"[:500])
        else:
            self._book.took(f"{self.name[:5]} {kind}", time.perf_counter() - started)

    def _read(self) -> None:
        number = self._pick.randrange(10**9)
        found = self.call("query_sql", sql=f"SELECT {number}")
        assert found["rows"] == [[number]], found

    def _scan(self) -> None:
        found = self.call("query_sql", sql="SELECT count(*), count(DISTINCT event) FROM events")
        assert found["rows"][0][0] == self._events, found

    def _write(self) -> None:
        number = self._pick.randrange(10**6)
        sql = f"SELECT {number} AS v, range AS n FROM range({ROWS})"
        self.call("save_table", table=f"saved_{self.name}", sql=sql, replace=True)
        sql = f"SELECT min(v), max(v), count(*) FROM saved_{self.name}"
        assert self.call("query_sql", sql=sql)["rows"] == [[number, number, ROWS]]

    def _drop(self) -> None:
        self._write()
        self.call("drop_table", table=[f"saved_{self.name}"], confirm=True)

    def _fetch(self) -> None:
        found = self.call("fetch_events", table="events", **DAYS, refresh=True)
        while found["state"] == "running":
            found = self.call("wait_job", job=found["job"])
        assert found["state"] == "done", found
        assert found.get("rows", self._events) == self._events, found

    def _api(self) -> None:
        assert self.call("inspect_top_events", limit=5)["rows"]

    def _tables(self) -> None:
        assert "events" in [row[0] for row in self.call("inspect_tables")["rows"]]


class AgentLoop(Loop):
    """A host that keeps its `mp-mcp` all day."""

    def __init__(
        self, name: str, environ: Mapping[str, str], era: Era, gate: Gate, book: Book, events: int
    ) -> None:
        super().__init__(name, gate, book, events)
        self.agent = Agent(environ, era).__enter__()
        self._acts |= {"cancel": (4, self._cancel), "cancel job": (2, self._cancel_job)}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.agent.call(tool, **arguments)

    def _cancel(self) -> None:
        """A host gives up a long call; nobody answers it, and its place is free at once."""
        number = self.agent.start_call("query_sql", sql=LONG)
        self._gate.wait_for(self._pick.randrange(5), 0.5)
        self.agent.notify("notifications/cancelled", {"requestId": number})
        self._read()

    def _cancel_job(self) -> None:
        table = f"cancelled_{self.name}"
        found = self.call("fetch_events", table=table, **DAYS, refresh=True, detach=True)
        self.call("cancel_job", job=found["job"])


class HumanLoop(Loop):
    """A person at a terminal: a new `mp` for each command."""

    def __init__(
        self, name: str, environ: Mapping[str, str], gate: Gate, book: Book, events: int
    ) -> None:
        super().__init__(name, gate, book, events)
        self._client = HumanClient(environ, Ledger())

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        found = self._client.call(tool, **arguments)
        assert found.how == "done", found
        said: dict[str, Any] = found.said
        return said
