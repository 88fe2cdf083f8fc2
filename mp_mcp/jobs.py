"""Jobs: long work that outlives the call that began it. What clients see of one, and the handle.

Never runs anything: `server/job_runner.py` does.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from pydantic import Field

from mp_mcp.progress import Report
from mp_mcp.results import Result
from mp_mcp.tool import Handle

JobState = Literal["running", "done", "failed", "cancelled", "interrupted", "needs_credentials"]
"""interrupted: its server ended, the next one goes on; needs_credentials: it goes on as soon as a
client connects that has some for its project."""

UNFINISHED: tuple[JobState, ...] = ("running", "interrupted", "needs_credentials")

WAIT_S = 30.0
"""How long a call waits for a job; hosts give up on calls that take much longer."""


class JobResult(Result):
    """Base of the answers of tools that are jobs.

    While the job runs, only these fields say something: all others need a default.
    """

    job: str | None = Field(default=None, description="id for wait_job and cancel_job")
    state: JobState = Field(default="done", description="how the job stands")
    progress: str | None = None
    hint: str | None = None


class Job(Result):
    """A job as it stands. Times are UTC."""

    job: str = Field(description="id for wait_job and cancel_job")
    tool: str
    arguments: dict[str, Any]
    state: JobState
    progress: str | None = None
    done: float | None = Field(default=None, description="of total, e.g. days")
    total: float | None = None
    client: str = Field(description="who started it")
    started_at: str
    ended_at: str | None = None
    result: dict[str, Any] | None = Field(default=None, description="its answer, when it is done")
    error: dict[str, Any] | None = Field(default=None, description="why it failed")
    hint: str | None = None


class Jobs(Handle, ABC):
    """Lent to the tools that watch the jobs of a project, whoever started them."""

    @abstractmethod
    async def all(self) -> list[Job]:
        """The latest jobs, newest first."""

    @abstractmethod
    async def find(self, job: str) -> Job:
        """One job. Raises: NotFoundError."""

    @abstractmethod
    async def wait(self, job: str, timeout_s: float, report: Report) -> Job:
        """The job when it has ended, or as it stands after so many seconds.

        Raises: NotFoundError.
        """


class JobControl(Handle, ABC):
    """Lent to the tool that stops jobs."""

    writes: ClassVar[bool] = True

    @abstractmethod
    async def cancel(self, job: str) -> Job:
        """Stop it, and return when it has stopped. Raises: NotFoundError."""
