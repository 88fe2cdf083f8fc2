"""What a table has to hold after a fetch, and what it holds: counts, keys, sums and every value.

Never asks the product for the truth: it comes from the story that the simulator tells.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mp_mcp.demo.events import line_of
from mp_mcp.demo.history import History
from mp_mcp.demo.running import Running
from mp_mcp.demo.story import Story
from tests.processes.agents import Agent, mp

SUMS = {
    "amount": "round(coalesce(sum(prop('amount')::DOUBLE), 0), 2)::VARCHAR",
    "order_id": "coalesce(sum(prop('order_id')::HUGEINT), 0)::VARCHAR",
    "seats": "coalesce(sum(prop('seats')::BIGINT), 0)::VARCHAR",
}
"""Fractions, integers that no double can hold, and a number that only corrected rows differ in."""

EXPORT = "/api/2.0/export"

SEEDS = range(1, 20 if os.environ.get("MP_TEST_CHAOS") else 2)
"""Of tests that choose at random: `make test` runs one, `make test-chaos` more."""


@dataclass(frozen=True)
class Days:
    """Days of the story, both ends included, and the events that are asked for (none: all)."""

    first: date
    last: date
    events: tuple[str, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """What fetch_events takes."""
        asked: dict[str, Any] = {"from_date": str(self.first), "to_date": str(self.last)}
        return asked | ({"events": list(self.events)} if self.events else {})

    @property
    def words(self) -> tuple[str, ...]:
        """What `mp fetch events` takes."""
        events = ("--events", ",".join(self.events)) if self.events else ()
        return ("--from", str(self.first), "--to", str(self.last), *events)

    def each(self) -> set[date]:
        """Every day."""
        return {self.first + timedelta(n) for n in range((self.last - self.first).days + 1)}


class Exactness:
    """Compares tables with one simulated project."""

    def __init__(self, mixpanel: Running, story: Story) -> None:
        self.mixpanel = mixpanel
        self.story = story
        self.history = History(story)
        self.all = Days(story.first_day, story.last_day)

    def days(self, first: int, last: int, *events: str) -> Days:
        """Days by their number in the story, from 0."""
        start = self.story.first_day
        return Days(start + timedelta(first), start + timedelta(last), events)

    def some_days(self, pick: random.Random) -> Days:
        """Any range."""
        first, last = sorted(pick.choices(range(self.story.days), k=2))
        return self.days(first, last)

    def check(
        self,
        environ: Mapping[str, str],
        *fetched: Days,
        table: str = "events",
        late: Sequence[date] = (),
    ) -> None:
        """The table holds what these fetches cover, and nothing else.

        `late` are the days that were fetched after their late events had arrived.
        """
        expected = [(name, sent) for _, name, sent in self._wanted(fetched, late)]
        assert _table_sums(environ, table) == self._sums(fetched, late)
        found, wanted = _counted(_table_rows(environ, table)), _counted(expected)
        assert (sorted((found - wanted).elements()), sorted((wanted - found).elements())) == (
            [],
            [],
        )

    def _wanted(
        self, fetched: Sequence[Days], late: Sequence[date]
    ) -> list[tuple[str, str, dict[str, Any]]]:
        rows = []
        for day in sorted(set().union(*(days.each() for days in fetched))):
            covering = [days for days in fetched if day in days.each()]
            rows += [
                (str(day), event.name, json.loads(line_of(event))["properties"])
                for event in self.history.counted(day, late=day in late)
                if any(not days.events or event.name in days.events for days in covering)
            ]
        return rows

    def _sums(self, fetched: Sequence[Days], late: Sequence[date]) -> list[list[Any]]:
        """Per day: rows, different keys, and the sums."""
        by_day: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for day, name, sent in self._wanted(fetched, late):
            by_day.setdefault(day, []).append((name, sent))
        return [[day, *_summed(rows)] for day, rows in sorted(by_day.items())]

    def check_truth(self, environ: Mapping[str, str], days: Days) -> None:
        """The figures are those that the simulator itself tells about these days."""
        question = {"from_date": str(days.first), "to_date": str(days.last)}
        told = {name: self.mixpanel.truth(**question, property=name) for name in SUMS}
        truth = told["seats"]
        assert _table_sums(environ, "events") == [
            [day, count, truth["distinct_by_day"][day]]
            + [_text(told[name]["sum_by_day"][day], name) for name in SUMS]
            for day, count in sorted(truth["by_day"].items())
        ]

    def exported(self) -> list[Days]:
        """What was asked of the simulator since `forget`, in order; repeats count."""
        asked = [entry["params"] for entry in self.mixpanel.requests(EXPORT)]
        return [
            Days(
                date.fromisoformat(params["from_date"]),
                date.fromisoformat(params["to_date"]),
                tuple(json.loads(params.get("event") or "[]")),
            )
            for params in asked
        ]

    def exported_days(self) -> list[date]:
        """The days of all exports since `forget`; a day that was exported twice is there twice."""
        return sorted(day for days in self.exported() for day in days.each())

    def forget(self) -> None:
        """Count exports anew."""
        self.mixpanel.clear_requests()


def fetch_with(agent: Agent, days: Days, **more: Any) -> dict[str, Any]:
    """Fetch and wait for the end of the job."""
    return wait_for(agent, agent.call("fetch_events", **days.arguments, **more))


def wait_for(agent: Agent, found: dict[str, Any]) -> dict[str, Any]:
    """The end of a job, which must be a good one."""
    while found["state"] == "running":
        found = agent.call("wait_job", job=found["job"])
    assert found["state"] == "done", found
    return found


def _summed(rows: Sequence[tuple[str, dict[str, Any]]]) -> list[Any]:
    keys = {
        (name, str(sent["distinct_id"]), sent["time"], sent.get("$insert_id"))
        for name, sent in rows
    }
    sums = [_text(sum(sent.get(name) or 0 for _, sent in rows), name) for name in SUMS]
    return [len(rows), len(keys), *sums]


def _text(total: float, name: str) -> str:
    return str(round(float(total), 2)) if name == "amount" else str(total)


def _table_sums(environ: Mapping[str, str], table: str) -> list[list[Any]]:
    sql = (
        "SELECT day::VARCHAR, count(*), count(DISTINCT (event, distinct_id, time, insert_id)),"
        f" {', '.join(SUMS.values())} FROM {table} GROUP BY day ORDER BY day"
    )
    return mp(environ, "query", "sql", sql).rows


def _table_rows(environ: Mapping[str, str], table: str) -> list[tuple[str, dict[str, Any]]]:
    sql = f"SELECT event, properties::VARCHAR FROM {table}"
    rows = mp(environ, "query", "sql", sql, "--limit", "100000").rows
    return [(str(event), json.loads(properties)) for event, properties in rows]


def _counted(rows: Sequence[tuple[str, dict[str, Any]]]) -> Counter[str]:
    return Counter(json.dumps([name, _normal(sent)], sort_keys=True) for name, sent in rows)


def _normal(value: Any) -> Any:
    """5 and 5.0 are the same number."""
    if isinstance(value, dict):
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_normal(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
