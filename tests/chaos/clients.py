"""Clients that may be killed or stopped at any moment: what is known of each call after that.

Never waits without a bound: a call without an answer is a problem, and is told.
"""

import json
import queue
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from tests.chaos.ledger import Ledger, Outcome
from tests.processes.agents import Agent, Command, Era, Finished

LONGEST_S = 240
"""Longer than a fetch takes whose server is killed again and again."""
HUNG = Outcome("unknown", "no answer")
GONE = Outcome("unknown", "the client was killed")
SERVER_WENT = ("server_unreachable", "server_leaving")


class Client(Protocol):
    """Somebody who calls tools."""

    def call(self, tool: str, **arguments: Any) -> Outcome:
        """Call a tool and wait for what becomes of it."""

    @property
    def process(self) -> "subprocess.Popen[Any] | None":
        """What may be killed now."""

    def close(self) -> None:
        """End in the proper way."""


class AgentClient:
    """A host with a `mp-mcp`; a new one when the last was killed."""

    def __init__(self, environ: Mapping[str, str], era: Era, ledger: Ledger) -> None:
        self._environ = environ
        self._era = era
        self._ledger = ledger
        self._agent: Agent | None = None

    @property
    def process(self) -> "subprocess.Popen[Any] | None":
        return self._agent.process if self._agent else None

    def call(self, tool: str, **arguments: Any) -> Outcome:
        try:
            agent = self._agent_now()
            if agent is None:
                return GONE
            number = agent.start_call(tool, **arguments)
        except OSError:
            return GONE
        return self._outcome(agent, number, tool)

    def close(self) -> None:
        agent, self._agent = self._agent, None
        if agent is None:
            return
        if agent.process.poll() not in (None, -9):
            self._ledger.problem(f"mp-mcp left with {agent.process.returncode}")
        try:
            with suppress(BrokenPipeError):
                agent.close()
        except AssertionError as error:
            self._ledger.problem(f"a client saw: {error}")

    def _agent_now(self) -> Agent | None:
        if self._agent is not None and self._agent.process.poll() is not None:
            self.close()
        if self._agent is None:
            self._agent = Agent(self._environ, self._era)
            if self._era == "legacy":
                return self._initialized(self._agent)
        return self._agent

    def _initialized(self, agent: Agent) -> Agent | None:
        info = {"name": "test agent", "version": "1"}
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        answer = self._answer(agent, agent.start("initialize", about))
        if answer is None or "result" not in answer:
            # One server after the other was killed: a host gives this copy up.
            self.close()
            return None
        agent.notify("notifications/initialized")
        return agent

    def _outcome(self, agent: Agent, number: int, tool: str) -> Outcome:
        answer = self._answer(agent, number)
        if answer is None:
            return GONE if agent.process.poll() is not None else HUNG
        if "result" not in answer:
            self._ledger.problem(f"{tool}: a protocol error {answer}")
            return Outcome("unknown", answer)
        content = answer["result"]["structuredContent"]
        if not answer["result"]["isError"]:
            return Outcome("done", content)
        return Outcome("unknown" if content["code"] in SERVER_WENT else "refused", content)

    def _answer(self, agent: Agent, number: int) -> dict[str, Any] | None:
        for _ in range(LONGEST_S * 10):
            with suppress(queue.Empty):
                return agent.replies[number].get(timeout=0.1)
            if agent.process.poll() is not None:
                # What it had said before it ended is on its way through the pipe.
                with suppress(queue.Empty):
                    return agent.replies[number].get(timeout=0.5)
                return None
        self._ledger.problem(f"no answer to {agent.replies and number} after {LONGEST_S} s")
        return None


class HumanClient:
    """A person who types `mp`, one process for each call."""

    def __init__(self, environ: Mapping[str, str], ledger: Ledger) -> None:
        self._environ = environ
        self._ledger = ledger
        self.process: subprocess.Popen[Any] | None = None

    def call(self, tool: str, **arguments: Any) -> Outcome:
        command = Command(self._environ, *_words(tool, arguments))
        self.process = command.process
        try:
            finished = command.finish(LONGEST_S)
        except subprocess.TimeoutExpired:
            self._ledger.problem(f"mp {_words(tool, arguments)}: no end after {LONGEST_S} s")
            command.process.kill()
            return HUNG
        except AssertionError as error:
            self._ledger.problem(f"mp {tool}: {error}")
            return Outcome("unknown", "a traceback")
        finally:
            self.process = None
        return _outcome(finished)

    def close(self) -> None:
        """Nothing is kept between calls."""


def _outcome(finished: Finished) -> Outcome:
    if finished.code == 0:
        return Outcome("done", json.loads(finished.stdout))
    # What a server had done that went away, nobody knows.
    knows = finished.code > 0 and "server" not in finished.stderr
    return Outcome("refused" if knows else "unknown", finished.stderr)


def _words(tool: str, given: Mapping[str, Any]) -> list[str]:
    """The command line of a call."""
    arguments = dict(given)
    verb, _, noun = tool.partition("_")
    words = [] if tool in ("load_files", "cancel_job") else [verb, noun.replace("_", "-")]
    if tool == "load_files":
        words += ["load", *map(str, arguments.pop("files"))]
    elif tool == "cancel_job":
        words += ["cancel", arguments.pop("job")]
    elif tool == "drop_table":
        words += arguments.pop("table")
    elif "table" in arguments:
        words.append(arguments.pop("table"))
    if "sql" in arguments:
        words.append(arguments.pop("sql"))
    for name, value in arguments.items():
        flag = "--" + name.removesuffix("_date").replace("_", "-")
        words += [flag] if value is True else [flag, str(value)] if value else []
    return words


def environ_at(folder: Path, base: Mapping[str, str]) -> dict[str, str]:
    """A client's environment; it waits little for foreign locks, so that there are errors too."""
    return {**base, "MP_HOME": str(folder), "MP_LOCK_WAIT": "1"}
