"""The history of calls: what was asked, by whom, at what cost. What clients see of it, the handle.

Never keeps anything: `server/history.py` does.
"""

import re
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mp_mcp.errors import UsageError
from mp_mcp.tool import Handle

HUMAN = ("human", "humans", "person", "people", "mp")
AGENTS = ("agent", "agents", "mp-mcp")

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Entry:
    """One call that has ended, or whose job goes on. `at` is in seconds since 1970."""

    id: int
    at: float
    project: str
    client: str
    program: str | None
    is_human: bool
    tool: str
    arguments: dict[str, Any]
    is_exact: bool
    """Whether the arguments are complete: nothing masked, nothing cut."""
    seconds: float
    rows: int | None
    units: int
    cached: bool | None
    outcome: str
    message: str | None
    job: str | None

    @property
    def when(self) -> str:
        """When it began, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def as_dict(self) -> dict[str, Any]:
        """As it is on the wire."""
        return {
            "id": self.id,
            "when": self.when,
            "client": self.client,
            "program": self.program,
            "by": "human" if self.is_human else "agent",
            "tool": self.tool,
            "arguments": self.arguments,
            "complete": self.is_exact,
            "seconds": round(self.seconds, 3),
            "rows": self.rows,
            "units": self.units,
            "cached": self.cached,
            "outcome": self.outcome,
            "message": self.message,
            "job": self.job,
            "project": self.project.rpartition("/")[2] or None,
        }


class Wanted(NamedTuple):
    """Which calls; `project` is a project's key, None means all of them."""

    limit: int = 20
    client: str | None = None
    tool: str | None = None
    since: float | None = None
    after: int = 0
    project: str | None = None
    number: int | None = None
    waits: bool = False
    """Whether calls are wanted too that did nothing but wait for a job."""


class History(Handle, ABC):
    """Lent to the tool that shows what was called."""

    @abstractmethod
    async def latest(self, wanted: Wanted) -> list[Entry]:
        """The calls of this project that are wanted, newest first."""

    @abstractmethod
    def is_own(self, entry: Entry) -> bool:
        """Whether the client that asks made this call."""


def moment_of(text: str | None) -> float | None:
    """`10m`, `2h`, `3d`, or a date or time (of this machine's zone unless it names one).

    Raises: UsageError.
    """
    if not text:
        return None
    span = _SPAN.fullmatch(text.strip())
    if span:
        return time.time() - float(span[1]) * _SECONDS[span[2].lower()]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"since: {text!r} is neither a span nor a time.",
            hint="Examples: 10m, 2h, 3d, 2025-01-31, 2025-01-31T09:00.",
        ) from error
