"""Under load every caller gets its own rows: no lock error, no traceback, no wrong answer."""

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mp_mcp.demo.running import Running
from tests.processes.agents import Agent, mp

ROUNDS = 25
WRITES = 2
DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-02"}


class Load:
    """Readers that check every row, beside a writer that fetches again until they are done."""

    def __init__(self, reader: Agent, writer: Agent, events: int) -> None:
        self.wrong: list[object] = []
        self.answers_during_writes: list[int] = []
        self._reader = reader
        self._writer = writer
        self._events = events
        self._answers = itertools.count()
        self._answered = 0
        self._readers_are_done = threading.Event()
        self._writer_is_done = threading.Event()

    def run(self, in_flight: int) -> None:
        with ThreadPoolExecutor(in_flight + 1) as threads:
            writing = threads.submit(self._write)
            reading = [threads.submit(self._read, seed) for seed in range(in_flight)]
            try:
                for reader in reading:
                    reader.result()
            finally:
                self._readers_are_done.set()
            writing.result()

    def _write(self) -> None:
        try:
            while not self._readers_are_done.is_set():
                before = self._answered
                found = self._writer.call("fetch_events", **DAYS, refresh=True)
                assert found["rows_fetched"] == self._events
                self.answers_during_writes.append(self._answered - before)
        finally:
            self._writer_is_done.set()

    def _read(self, seed: int) -> None:
        """Ask at least so often, and until some writes have ended meanwhile."""
        pick = random.Random(seed)
        done = 0
        while done < ROUNDS or not (
            len(self.answers_during_writes) >= WRITES or self._writer_is_done.is_set()
        ):
            self._ask(pick)
            done += 1

    def _ask(self, pick: random.Random) -> None:
        number = pick.randrange(1_000_000)
        rows = pick.randrange(1, 50)
        sql = f"SELECT {number} + range, (SELECT count(*) FROM events) FROM range({rows})"
        found = self._reader.call("query_sql", sql=sql)["rows"]
        if sorted(found) != [[number + row, self._events] for row in range(rows)]:
            self.wrong.append((sql, found))
        self._answered = next(self._answers) + 1


@pytest.mark.parametrize("in_flight", [2, 8, 32])
def test_self_checking_queries_mixed_with_writes_are_all_right(
    environ: dict[str, str], mixpanel: Running, in_flight: int
) -> None:
    events = mixpanel.truth(**DAYS)["events"]
    with Agent(environ) as reader, Agent(environ, "legacy") as writer:
        assert writer.call("fetch_events", **DAYS)["rows"] == events
        load = Load(reader, writer, events)
        load.run(in_flight)
    assert load.wrong == []
    whole_writes = load.answers_during_writes[:WRITES]
    assert len(whole_writes) == WRITES
    assert all(answers > 0 for answers in whole_writes), "a write met no read"
    assert mp(environ, "query", "sql", "SELECT count(*) FROM events").rows == [[events]]
