"""Jobs in state.db: what is known of each, through restarts.

Never holds a secret: `asking` names the account, not its credentials. Times are seconds since 1970.
"""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mp_mcp.jobs import UNFINISHED, Job, JobState
from mp_mcp.state import State

MOST_KEPT = 200
"""Ended jobs of a project that are remembered."""

LISTED = 50

_FIELDS = (
    *("id", "project", "tool", "arguments", "asking", "client", "state", "started"),
    *("ended", "done", "total", "message", "result", "error"),
)
_JSON = frozenset(("arguments", "asking", "result", "error"))


@dataclass
class Record:
    """One row; `project` is the project's key."""

    id: str
    project: str
    tool: str
    arguments: dict[str, Any]
    asking: dict[str, Any]
    client: str
    started: float
    state: JobState = "running"
    ended: float | None = None
    done: float | None = None
    total: float | None = None
    message: str | None = None
    result: dict[str, Any] | None = field(default=None, repr=False)
    error: dict[str, Any] | None = None

    def status(self) -> dict[str, Any]:
        """What `mp server status` shows of a running job."""
        return {
            "job": self.id,
            "client": self.client,
            "tool": self.tool,
            "progress": self.message,
            "elapsed_s": max(0.0, round(time.time() - self.started, 1)),
        }

    def shown(self) -> Job:
        """As clients see it."""
        return Job(
            job=self.id,
            tool=self.tool,
            arguments=self.arguments,
            state=self.state,
            progress=self.message,
            done=self.done,
            total=self.total,
            client=self.client,
            started_at=_moment(self.started),
            ended_at=None if self.ended is None else _moment(self.ended),
            result=self.result,
            error=self.error,
            hint=HINTS.get(self.state),
        )


HINTS: dict[JobState, str] = {
    "running": "wait_job waits for it, cancel_job stops it.",
    "interrupted": "Its server ended; the next one goes on with it. wait_job waits for it.",
    "needs_credentials": "It goes on as soon as a client connects that has working credentials for "
    "this project.",
    "cancelled": "What was loaded stays; the same call gets the rest.",
}


class JobTable:
    """The rows of all projects."""

    def __init__(self, state: State) -> None:
        self._state = state

    def save(self, record: Record) -> None:
        """Insert or replace the row; it is on disk when this returns."""
        values = (_stored(name, getattr(record, name)) for name in _FIELDS)
        places = ", ".join("?" * len(_FIELDS))
        self._state.change(f"INSERT OR REPLACE INTO job VALUES ({places})", *values)  # noqa: S608
        if record.ended is not None:
            self._forget_the_oldest(record.project)

    def find(self, project: str, job: str) -> Record | None:
        """One job of a project."""
        found = self._rows("WHERE project = ? AND id = ?", project, job)
        return found[0] if found else None

    def latest(self, project: str) -> list[Record]:
        """The latest jobs of a project, newest first."""
        return self._rows(f"WHERE project = ? ORDER BY started DESC LIMIT {LISTED}", project)

    def unfinished(self) -> list[Record]:
        """Jobs that nobody has ended, of all projects, oldest first."""
        places = ", ".join("?" * len(UNFINISHED))
        return self._rows(f"WHERE state IN ({places}) ORDER BY started", *UNFINISHED)

    def _rows(self, condition: str, *values: object) -> list[Record]:
        sql = f"SELECT {', '.join(_FIELDS)} FROM job {condition}"  # noqa: S608 - ours
        return [_record(row) for row in self._state.rows(sql, *values)]

    def _forget_the_oldest(self, project: str) -> None:
        self._state.change(
            "DELETE FROM job WHERE project = ?1 AND ended IS NOT NULL AND started < (SELECT started"
            " FROM job WHERE project = ?1 AND ended IS NOT NULL ORDER BY started DESC"
            " LIMIT 1 OFFSET ?2)",
            project,
            MOST_KEPT,
        )


def _stored(name: str, value: object) -> object:
    if name in _JSON and value is not None:
        return json.dumps(value)  # in ASCII: half a surrogate pair of Mixpanel's fits in no file
    return value


def _record(row: tuple[Any, ...]) -> Record:
    found = dict(zip(_FIELDS, row, strict=True))
    for name in _JSON:
        found[name] = None if found[name] is None else json.loads(found[name])
    return Record(**found)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
