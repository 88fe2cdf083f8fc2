"""The calls that run now: whose they are, what they cost so far, and how somebody else stops one.

Never runs a call, and never keeps one that has ended (`history.py` does).
"""

import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import anyio
from pydantic import BaseModel

from mp_mcp.errors import CallCancelledError, ExitCode, MpError
from mp_mcp.mixpanel.tally import Tally
from mp_mcp.server.running_job import Running

CANCELLED = "cancelled"


class Client:
    """Who calls; `program` is what its MCP host says that it is."""

    def __init__(self, label: str, *, is_human: bool) -> None:
        self.label = label
        self.is_human = is_human
        self.program: str | None = None


class Call:
    """One call, from its arrival to its outcome. `arguments` are masked already."""

    def __init__(
        self,
        number: int,
        client: Client,
        tool: str,
        arguments: dict[str, Any],
        *,
        project: str = "",
        is_exact: bool = True,
        asks_mixpanel: bool = False,
    ) -> None:
        self.number = number
        self.client = client
        self.tool = tool
        self.arguments = arguments
        self.project = project
        self.is_exact = is_exact
        self.at = time.time()
        self.started = time.monotonic()
        self.scope = anyio.CancelScope()
        self.ended = anyio.Event()
        self.tally = Tally()
        self.job: Running | None = None
        self.outcome = CANCELLED
        """Until it is known: whose caller goes away is cancelled."""
        self.message: str | None = None
        self.rows: int | None = None
        self.cached: bool | None = None
        self.is_bug = False
        self._asks_mixpanel = asks_mixpanel
        self._cancelled_by: str | None = None

    @property
    def seconds(self) -> float:
        """For how long it has been running."""
        return time.monotonic() - self.started

    @property
    def units(self) -> int:
        """What it has spent; what its job spends later is counted when that ends."""
        job = self.job
        return self.tally.units + (job.tally.units if job and job.ended.is_set() else 0)

    def answered(self, model: BaseModel) -> None:
        """Note how it went well."""
        self.rows = rows_of(model.__dict__)
        if self._asks_mixpanel:
            self.cached = getattr(model, "cached_at", None) is not None
        self.outcome = "ok"
        if self.job is not None and self.job.record.state != "done":
            self.outcome = self.job.record.state

    def failed(self, error: MpError) -> MpError:
        """Note why it went wrong; what its caller has to read."""
        if self._cancelled_by is not None:
            error = self.cancellation()
        self.outcome, self.message = error.code, error.message
        self.is_bug = error.exit_code is ExitCode.UNEXPECTED
        return error

    def cancel(self, by: str) -> None:
        """Stop it for somebody else."""
        self._cancelled_by = by
        self.scope.cancel()

    def cancellation(self) -> MpError:
        """What its caller reads when somebody else stopped it."""
        return CallCancelledError(
            f"This call was cancelled by {self._cancelled_by}.",
            hint="It was stopped on purpose: ask the person before you run it again.",
        )

    def status(self) -> dict[str, Any]:
        """As `mp status` shows it."""
        found = {
            "id": str(self.number),
            "client": self.client.label,
            "program": self.client.program,
            "tool": self.tool,
            "arguments": self.arguments,
            "elapsed_s": round(self.seconds, 1),
        }
        return found | {"job": self.job.record.id} if self.job else found

    def log_line(self) -> str:
        """It in one line of the log."""
        rows = "" if self.rows is None else f"{self.rows} rows, "
        # No fault of the caller: whoever reads the log has to know more than the code.
        why = f": {' '.join((self.message or '').split())}" if self.is_bug else ""
        place = f"call {self.client.label} {self.tool} #{self.number}"
        return f"{place} {rows}{self.seconds * 1000:.0f} ms {self.outcome}{why}"


CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)
"""The call that this task works for."""


def rows_of(answer: Mapping[str, Any]) -> int | None:
    """How many rows an answer has, or has brought."""
    for name in ("saved_rows", "row_count", "rows"):
        rows = answer.get(name)
        if isinstance(rows, list):
            return len(rows)
        if isinstance(rows, int):
            return rows
    return None
