"""What clients asked for and were told, so that an auditor can say what must be there now.

Never asks the product: what may be in a table follows from the answers alone. Every table belongs
to one worker, whose calls come one after the other.
"""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

How = Literal["done", "refused", "unknown"]
"""Acknowledged; an error, so that nothing may have happened; or nobody knows."""


class Outcome(NamedTuple):
    """How a call ended; `said` is its structured result, or the error in words."""

    how: How
    said: Any = None


class Version(NamedTuple):
    """The content of a saved table: every row has this number."""

    number: int
    rows: int


Content = Version | None
"""None is a table that is not there."""


@dataclass
class Batches:
    """What may be in a table that files are loaded into: rows by batch, whole or not at all."""

    sure: dict[int, int] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)


class Ledger:
    """The books of all workers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problems: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.tables: dict[str, set[Content]] = {}
        self.batches: dict[str, Batches] = {}
        self.complete: dict[str, set[str]] = {}
        """Days that a client was told to be complete, by table."""

    def note(self, call: str, outcome: Outcome) -> Outcome:
        """Count what became of a call."""
        with self._lock:
            self.outcomes[f"{call} {outcome.how}"] += 1
        return outcome

    def problem(self, text: str) -> None:
        """Something that must not be."""
        with self._lock:
            self._problems.append(text)

    def take_problems(self) -> list[str]:
        """The problems since the last time."""
        with self._lock:
            found, self._problems = self._problems, []
        return found

    def may_hold(self, table: str) -> set[Content]:
        """What a saved table may be now."""
        return self.tables.get(table, {None})

    def changed(self, table: str, to: Content, outcome: Outcome) -> None:
        """A call that makes, replaces or drops a table has ended."""
        before = self.may_hold(table)
        if outcome.how == "done":
            self.tables[table] = {to}
        elif outcome.how == "unknown":
            self.tables[table] = before | {to}

    def loaded(self, table: str, batch: int, rows: int, outcome: Outcome) -> None:
        """A call that loads a file has ended."""
        known = self.batches.setdefault(table, Batches())
        if batch in known.sure:
            return  # it was loaded once more, which changes nothing
        if outcome.how == "done":
            known.open.pop(batch, None)
            known.sure[batch] = rows
        elif outcome.how == "unknown":
            known.open[batch] = rows

    def fetched(self, table: str, days: set[str], outcome: Outcome) -> None:
        """A call that fetches whole days has ended."""
        if outcome.how == "done":
            self.complete[table] = self.complete.get(table, set()) | days

    def forgot(self, table: str) -> None:
        """A fetched table may be gone, or be incomplete."""
        self.complete[table] = set()

    def writes(self) -> int:
        """How many writes were acknowledged."""
        kinds = ("save_table", "drop_table", "load_files", "fetch_events")
        return sum(self.outcomes[f"{kind} done"] for kind in kinds)
