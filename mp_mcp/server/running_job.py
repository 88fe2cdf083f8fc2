"""One job of this process: how it stands, for itself, for state.db and for whoever follows it.

Never decides what a job does, nor when it starts or ends.
"""

import json
import time
from typing import Any, Protocol

import anyio

from mp_mcp.call import Standing
from mp_mcp.errors import MpError
from mp_mcp.jobs import JobState
from mp_mcp.mixpanel.tally import Tally
from mp_mcp.progress import Report
from mp_mcp.server.job_table import JobTable, Record

SAVED_EVERY_S = 1.0
"""Progress reaches the disk no more often; the end of a job does at once."""


class Place(Standing, Protocol):
    """Where a job stands: as a call does, but it can be found again after a restart."""

    @property
    def project_key(self) -> str:
        """The project and where it lives."""

    @property
    def has_credentials(self) -> bool:
        """Whether Mixpanel can be asked from here."""

    def asking(self) -> dict[str, Any]:
        """What a client has to ask for to stand here, but for secrets."""


class Running:
    """A job of this process."""

    def __init__(self, record: Record, table: JobTable, *, is_resumed: bool = False) -> None:
        self.record = record
        self.is_resumed = is_resumed
        self.failure: MpError | None = None
        self.changed = anyio.Event()
        self.ended = anyio.Event()
        self.scope = anyio.CancelScope()
        self.is_stopped_by_a_client = False
        self.stopped_by: str | None = None
        self.tally = Tally()
        self._table = table
        self._saved = 0.0

    @property
    def key(self) -> tuple[str, str, str]:
        """Two jobs with the same key would do the same."""
        arguments = json.dumps(self.record.arguments, sort_keys=True)
        return self.record.project, self.record.tool, arguments

    async def report(self, done: float, total: float | None, message: str | None) -> None:
        """Note progress, for whoever follows."""
        record = self.record
        record.done, record.total, record.message = done, total, message or record.message
        if time.monotonic() - self._saved > SAVED_EVERY_S:
            self._saved = time.monotonic()
            self._table.save(record)
        self._tell()

    def stand(self, **facts: Any) -> None:
        """Note a new state; it is on disk when this returns."""
        for name, value in facts.items():
            setattr(self.record, name, value)
        self._table.save(self.record)
        self._tell()

    def fail(self, error: MpError, state: JobState = "failed") -> None:
        """Note why it goes on no further, for now or for good."""
        self.failure = error
        ended = time.time() if state == "failed" else None
        self.stand(state=state, ended=ended, error=error.info().as_dict())

    def _tell(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    async def follow(self, seconds: float, report: Report) -> None:
        """Pass on its progress until it has ended, or for so long."""
        with anyio.move_on_after(seconds):
            while self.record.state == "running":
                changed, record = self.changed, self.record
                if record.done is not None:
                    await report(record.done, record.total, record.message)
                await changed.wait()
