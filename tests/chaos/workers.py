"""The mixed load: workers that save, load, fetch, read, drop and cancel, each on its own tables.

Never writes a table of another worker; all of them fetch into `events`.
"""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from mp_mcp.demo.story import Story
from tests.chaos.clients import Client
from tests.chaos.ledger import Batches, Ledger, Outcome, Version

PATIENCE_S = 120.0
"""For the last calls to come back, once nothing disturbs them any more."""


class Gate:
    """Lets workers through, one call at a time; closed, it waits until nobody is inside."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = False
        self._is_over = False
        self._inside = 0
        self.passed = 0

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """One call's time inside; False when there are no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_open or self._is_over)
            if self._is_over:
                yield False
                return
            self._inside += 1
        try:
            yield True
        finally:
            with self._changed:
                self._inside -= 1
                self.passed += 1
                self._changed.notify_all()

    def open(self) -> None:
        """From now on calls are made."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def close(self) -> bool:
        """No more calls; whether all of them have come back."""
        with self._changed:
            self._is_open = False
            return self._changed.wait_for(lambda: not self._inside, PATIENCE_S)

    def end(self) -> None:
        """No more calls, ever."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def wait_for(self, calls: int, patience_s: float) -> None:
        """Return when so many more calls have come back, or after so long."""
        with self._changed:
            goal = self.passed + calls
            self._changed.wait_for(lambda: self.passed >= goal, patience_s)


class Worker(threading.Thread):
    """One client that calls whatever its seed says until the gate ends."""

    def __init__(
        self, name: str, client: Client, ledger: Ledger, gate: Gate, story: Story, folder: Path
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.client = client
        self._ledger = ledger
        self._gate = gate
        self._story = story
        self._folder = folder
        self._pick = random.Random()
        self._versions = 0
        self._is_human = name.startswith("human")
        acts = [self._save, self._save, self._drop, self._read, self._read, self._count]
        self._acts = [*acts, self._fetch, self._fetch_own, self._cancel]
        self._acts += [self._load, self._load] if self._is_human else []

    def seed(self, seed: str) -> None:
        """Choose by this from now on."""
        self._pick.seed(f"{seed}/{self.name}")

    def run(self) -> None:
        while True:
            with self._gate.turn() as there_is_more:
                if not there_is_more:
                    return
                try:
                    self._pick.choice(self._acts)()
                except Exception as error:  # noqa: BLE001 - told by the auditor
                    self._ledger.problem(f"{self.name}: {error!r}")

    def _call(self, tool: str, **arguments: object) -> Outcome:
        return self._ledger.note(tool, self.client.call(tool, **arguments))

    def _table(self) -> str:
        return f"saved_{self.name}_{self._pick.randrange(3)}"

    def _save(self) -> None:
        table = self._table()
        self._versions += 1
        rows = self._pick.choice((1, 100, 3000, 200_000))
        sql = f"SELECT {self._versions} AS v, range AS n FROM range({rows})"
        found = self._call("save_table", table=table, sql=sql, replace=True)
        self._ledger.changed(table, Version(self._versions, rows), found)

    def _drop(self) -> None:
        table = self._table()
        found = self._call("drop_table", table=[table], confirm=True)
        self._ledger.changed(table, None, found)

    def _read(self) -> None:
        number = self._pick.randrange(10**9)
        found = self._call("query_sql", sql=f"SELECT {number}, '{self.name}'")
        if found.how == "done" and found.said["rows"] != [[number, self.name]]:
            self._ledger.problem(f"{self.name}: a wrong answer: {found.said}")

    def _count(self) -> None:
        """What was acknowledged is seen by the next read, whole."""
        table = self._table()
        found = self._call("query_sql", sql=f"SELECT min(v), max(v), count(*) FROM {table}")
        if found.how == "done":
            low, high, rows = found.said["rows"][0]
            if low != high or Version(low, rows) not in self._ledger.may_hold(table):
                self._ledger.problem(f"{table}: read {found.said['rows']}")
        is_gone = found.how == "refused" and "no table" in str(found.said)
        if is_gone and None not in self._ledger.may_hold(table):
            self._ledger.problem(f"{table} is gone: {found.said}")

    def _load(self) -> None:
        table = f"loads_{self.name}"
        known = self._ledger.batches.setdefault(table, Batches())
        if known.open and self._pick.random() < 0.5:
            batch, rows = self._pick.choice(sorted(known.open.items()))
        else:
            batch, rows = len(known.sure) + len(known.open), self._pick.choice((5, 60, 2000))
        file = self._folder / f"{table}_{batch}.ndjson"
        write_batch(file, batch, rows)
        found = self._call("load_files", files=[file], table=table)
        self._ledger.loaded(table, batch, rows, found)

    def _days(self) -> dict[str, str]:
        first, last = sorted(self._pick.choices(range(self._story.days), k=2))
        start = self._story.first_day
        return {
            "from_date": str(start + timedelta(first)),
            "to_date": str(start + timedelta(last)),
        }

    def _fetch(self) -> None:
        self._fetch_into("events", refresh=self._pick.random() < 0.5)

    def _fetch_own(self) -> None:
        table = f"fetched_{self.name}"
        if self._pick.random() < 0.3:
            self._ledger.forgot(table)
            self._call("drop_table", table=[table], confirm=True)
        else:
            self._fetch_into(table, workers=self._pick.choice((1, 2, 4)))

    def _fetch_into(self, table: str, **how: object) -> None:
        days = self._days()
        found = self._call("fetch_events", table=table, **days, **how)
        if found.how == "done" and found.said["state"] == "done":
            first, count = found.said["from_date"], found.said["days"]
            start = self._story.first_day.fromisoformat(first)
            self._ledger.fetched(table, {str(start + timedelta(n)) for n in range(count)}, found)

    def _cancel(self) -> None:
        days = self._days()
        found = self._call("fetch_events", table="events", **days, refresh=True, detach=True)
        if found.how == "done":
            self._gate.wait_for(self._pick.randrange(3), 0.5)
            self._call("cancel_job", job=found.said["job"])


def write_batch(file: Path, batch: int, rows: int) -> None:
    """A file of events that all carry the number of their batch."""
    with file.open("w", encoding="utf-8") as lines:
        for number in range(rows):
            about = {
                "time": 1735732800 + number,
                "distinct_id": "u",
                "$insert_id": f"b{batch}-{number}",
                "batch": batch,
            }
            lines.write(json.dumps({"event": "Signup", "properties": about}) + "\n")
