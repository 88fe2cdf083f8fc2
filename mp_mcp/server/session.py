"""Session: one connected client, its settings and its way to call tools.

Never outlives its connection; credentials live here, in memory, and nowhere else.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from mp_mcp.bounds import AGENT_BOUNDS, HUMAN_BOUNDS
from mp_mcp.call import Caller, LocalCaller, Standing
from mp_mcp.errors import MpError, UsageError
from mp_mcp.mixpanel.tally import counting
from mp_mcp.server.calls import CURRENT, Call, Client
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.lender import AsLastSeen, ProjectLender
from mp_mcp.server.masking import masked
from mp_mcp.server.standing import Seen
from mp_mcp.server.toolsets import Choice
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Asking
from mp_mcp.tool import Tool

logger = logging.getLogger(__name__)

LONGEST_LABEL = 80
LONGEST_VERSION = 40


class Greeting:
    """A front's first message, `mp/hello`: who it is and what it brings along."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Raises: UsageError, SettingsError when it is malformed."""
        asking = params.get("asking") or {}
        if not isinstance(asking, Mapping):
            raise UsageError("The greeting's asking must be an object.")
        self.version = str(params.get("version", "0"))[:LONGEST_VERSION]
        # Labels end up in logs and on terminals: no control characters.
        label = str(params.get("label", "front"))[: 2 * LONGEST_LABEL]
        self.label = "".join(c for c in label if c.isprintable())[:LONGEST_LABEL]
        self.is_human = params.get("kind") == "human"
        # Such a person gets in where nobody else does: to see who has the places, and to end that.
        self.only_looks = self.is_human and params.get("asks") in ("mp/status", "mp/stop")
        self.asking = Asking.from_dict(asking)
        self.known = Seen.from_dict(params.get("known"))
        self.choice = Choice.from_dict(params)

    def is_newer_than(self, version: str) -> bool:
        """Whether this front may displace a server of that version."""
        return _numbers(self.version) > _numbers(version)


PLAIN_CLIENT = Greeting({"label": "mcp client"})
"""Stands for a client that sends no greeting."""


class Session:
    """From the greeting to the end of the connection."""

    def __init__(
        self,
        workspaces: Workspaces,
        tools: Mapping[str, Tool],
        greeting: Greeting,
        jobs: JobRunner,
        secrets: Callable[[], tuple[str | None, ...]] = tuple,
    ) -> None:
        """`secrets` are the server's own, which are shown as little as the client's."""
        bounds = HUMAN_BOUNDS if greeting.is_human else AGENT_BOUNDS
        self.label = greeting.label
        self.is_human = greeting.is_human
        self.client = Client(greeting.label, is_human=greeting.is_human)
        self._jobs = jobs
        self._own_secrets = secrets
        self._workspaces = workspaces
        self._asking = greeting.asking
        self._lender = ProjectLender(workspaces, greeting.asking, bounds, jobs, greeting.known)
        # Not listed is not enough: an agent must not reach a human's tool by guessing its name.
        choice = greeting.choice
        self.usable = tools if greeting.is_human else choice.usable(tools)
        withheld = {} if greeting.is_human else choice.withheld(tools)
        self.listed = tools if greeting.is_human else choice.listed(tools)
        run_job = partial(jobs.call, client=self.label)
        self.caller: Caller = LocalCaller(
            self.usable, AsLastSeen(self._lender), bounds, run_job, withheld
        )
        self.calls: dict[int, Call] = {}

    def standing(self) -> Standing:
        """Where this client stands now."""
        return self._lender.standing()

    def offer_credentials(self) -> None:
        """Let jobs go on that wait for credentials such as this client's. Never fails."""
        with suppress(MpError):
            self._jobs.offer(self._lender.standing())

    @contextmanager
    def call(self, tool: str, arguments: Mapping[str, Any]) -> Iterator[Call]:
        """Be listed as running, then be in the log and in the history."""
        call = self._begun(tool, arguments)
        self.calls[call.number] = call
        before = CURRENT.set(call)
        try:
            with counting(call.tally):
                yield call
        finally:
            CURRENT.reset(before)
            del self.calls[call.number]
            call.message = masked(call.message, self._secrets())
            logger.info("%s", call.log_line())
            self._workspaces.history.record(call)
            call.ended.set()

    def running(self) -> list[dict[str, Any]]:
        """The running calls, with the seconds since each started."""
        return [call.status() for call in self.calls.values()]

    def status(self) -> dict[str, Any]:
        """Who it is, for `mp status`."""
        return {
            "client": self.label,
            "program": self.client.program,
            "by": "human" if self.is_human else "agent",
            "project": self._lender.standing().project,
            "calls": len(self.calls),
        }

    def _begun(self, tool: str, arguments: Mapping[str, Any]) -> Call:
        # Here the call finds out where it stands; what it says afterwards is about the same.
        project = self._lender.standing().project_key
        shown = masked(arguments, self._secrets())
        found = self.usable.get(tool)
        return Call(
            self._workspaces.history.next_number(),
            self.client,
            # A name comes from outside: it must not write lines of its own.
            tool[:64] if tool.isprintable() else repr(tool[:64]),
            shown,
            project=project,
            is_exact=shown == arguments,
            asks_mixpanel=found is not None and found.asks_mixpanel,
        )

    def _secrets(self) -> tuple[str | None, ...]:
        """Those that this client uses, wherever they come from, and the server's own."""
        here = self._lender.last_standing().resolved
        kept = (here.secret, here.oauth_token) if here else ()
        return (self._asking.secret, self._asking.oauth_token, *kept, *self._own_secrets())


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split("+")[0].split(".")
    return tuple(int(part) if re.fullmatch("[0-9]{1,9}", part) else 0 for part in parts)
