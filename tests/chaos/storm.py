"""A storm: the mixed load, the havoc, and the auditor after every round.

Never ends with something left behind: clients, server and simulator go with it.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from mp_mcp.demo.running import Running, simulator
from mp_mcp.demo.story import Story
from mp_mcp.settings import Home
from tests.chaos import audit
from tests.chaos.clients import AgentClient, Client, HumanClient, environ_at
from tests.chaos.havoc import Havoc
from tests.chaos.ledger import Ledger
from tests.chaos.workers import Gate, Worker
from tests.processes.agents import Agent, bare_environ, mp
from tests.processes.foreign import database, foreign_program
from tests.processes.quotas import grant
from tests.processes.waiting import wait_until

STORY = Story(days=6, events_per_day=150, last_day=date(2025, 3, 10))
AGENTS, HUMANS = 3, 2


@dataclass
class Result:
    """What a storm did, and what the auditor found wrong."""

    seed: str
    kills: int = 0
    rounds: int = 0
    writes: int = 0
    havoc: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Storm:
    """One state folder, its clients and their troubles."""

    def __init__(self, seed: str, folder: Path, mixpanel: Running, stack: ExitStack) -> None:
        self.result = Result(seed)
        self._mixpanel = mixpanel
        self._home = Home(folder / "mp")
        self._environ = environ_at(self._home.path, bare_environ() | mixpanel.environ())
        self._file = database(self._home, self._environ)
        grant(self._home, f"{self._file.parent.name}/{self._file.stem}")
        self._ledger, self._gate = Ledger(), Gate()
        self._workers = [self._worker(name, folder) for name in _names()]
        foreign = stack.enter_context(foreign_program(self._file))
        self._havoc = Havoc(self._home, mixpanel, self._workers, self._gate, foreign)
        self._own = [foreign.pid]
        for worker in self._workers:
            worker.start()
        stack.callback(self._end)

    def _worker(self, name: str, folder: Path) -> Worker:
        client: Client = (
            HumanClient(self._environ, self._ledger)
            if name.startswith("human")
            else AgentClient(
                self._environ, "legacy" if name == "agent1" else "modern", self._ledger
            )
        )
        return Worker(name, client, self._ledger, self._gate, STORY, folder)

    def round(self, kills: int) -> list[str]:
        """So many kills, and then the audit; what is wrong."""
        self.result.rounds += 1
        name = f"{self.result.seed}/{self.result.rounds}"
        self._havoc.seed(name)
        for worker in self._workers:
            worker.seed(name)
        self._gate.open()
        self._havoc.rage(kills)
        self._havoc.calm()
        problems = [] if self._gate.close() else ["a call never came back"]
        problems += [f"{name}: {one}" for one in chain(self._audit(), self._ledger.take_problems())]
        self.result.problems += problems
        self.result.kills = self._havoc.kills
        self.result.havoc, self.result.calls = self._havoc.done, self._ledger.outcomes
        self.result.writes = self._ledger.writes()
        return problems

    def _audit(self) -> Iterator[str]:
        yield from self._let_jobs_end()
        for worker in self._workers:
            worker.client.close()
        wait_until(lambda: self._status().get("clients", [""])[1:] == [])
        yield from audit.audit_server(self._home, clients=0)
        stopped = mp(self._environ, "server", "stop")
        if stopped.code:
            yield f"it does not stop: {stopped}"
        yield from audit.audit_folder(self._home, self._own)
        yield from audit.audit_data(self._file, self._ledger, self._mixpanel)

    def _let_jobs_end(self) -> Iterator[str]:
        """Also those that servers left behind go on, and end, with the next one."""
        with Agent(self._environ) as agent:
            answer = agent.wait(agent.start_call("query_sql", sql="SELECT 42"))
            if answer["result"]["structuredContent"].get("rows") != [[42]]:
                yield f"the next server does not answer: {answer}"
            try:
                wait_until(lambda: not _unfinished(agent), 90)
            except AssertionError:
                yield f"jobs never end: {_unfinished(agent)}"

    def _status(self) -> dict[str, Any]:
        found: dict[str, Any] = mp(self._environ, "server", "status", "-f", "json").json
        return found

    def _end(self) -> None:
        self._havoc.calm()
        self._gate.end()
        for worker in self._workers:
            worker.join(60)
            worker.client.close()
        mp(self._environ, "server", "stop")


def _names() -> list[str]:
    return [f"agent{n}" for n in range(AGENTS)] + [f"human{n}" for n in range(HUMANS)]


def _unfinished(agent: Agent) -> list[list[Any]]:
    found = agent.call("inspect_jobs")
    state = found["columns"].index("state")
    return [row for row in found["rows"] if row[state] not in ("done", "failed", "cancelled")]


@contextmanager
def storm(seed: str) -> Iterator[Storm]:
    """A storm on a new state folder."""
    options = {"days": STORY.days, "events_per_day": STORY.events_per_day}
    with (
        tempfile.TemporaryDirectory(prefix="mp-storm-") as name,
        simulator(**options, last_day=str(STORY.last_day)) as mixpanel,
        ExitStack() as stack,
    ):
        yield Storm(seed, Path(name), mixpanel, stack)
