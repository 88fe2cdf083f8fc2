"""A place for jobs and a job whose course a test decides. Never asks anybody for anything."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from pydantic import BaseModel

from mp_mcp.jobs import JobResult, JobState
from mp_mcp.progress import Progress, Report, no_report
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.job_table import JobTable, Record
from mp_mcp.server.running_job import Running
from mp_mcp.state import State
from mp_mcp.store.handles import StoreWriter
from mp_mcp.tool import Handle, Tool, tool

PATIENCE_S = 5


@dataclass
class Here:
    """Where a job stands; `lent` are the job ids that a writer was asked for with."""

    project: str = "1001"
    has_credentials: bool = True
    account: str | None = "work"
    notice: str | None = None
    lent: list[str | None] = field(default_factory=list)

    @property
    def project_key(self) -> str:
        """The project, in the us."""
        return f"us/{self.project}" if self.project else ""

    def asking(self) -> dict[str, Any]:
        """What is kept of it."""
        found = {"account": self.account, "project_id": self.project}
        return {key: value for key, value in found.items() if value}

    def notice_told(self) -> None:
        """There is none."""

    async def lend(self, handle: type[Handle], **options: Any) -> Handle:
        """A handle that can do nothing."""
        assert handle is StoreWriter
        self.lent.append(options.get("job_id"))
        return Handle()


class Done(JobResult):
    """What the work brought."""

    days: int = 0


class Work:
    """A tool that is a job: it works until `release`, then fails with `failure` or is done."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.release = anyio.Event()
        self.may_stop = anyio.Event()
        self.may_stop.set()
        self.began: list[int] = []
        self._changed = anyio.Event()

    @property
    def tool(self) -> Tool:
        """As a tool."""

        @tool(job=True)
        async def do_work(store: StoreWriter, progress: Progress, days: int = 1) -> Done:
            """Work for some days."""
            self.began.append(days)
            self._changed.set()
            self._changed = anyio.Event()
            await progress(0, days, f"0 of {days} days")
            if self.failures:
                raise self.failures.pop(0)
            try:
                await self.release.wait()
            finally:
                with anyio.CancelScope(shield=True):
                    await self.may_stop.wait()
            await progress(days, days, f"{days} of {days} days")
            return Done(days=days)

        found: Tool = do_work.__mp_tool__  # type: ignore[attr-defined]
        return found

    async def wait_until_begun(self, count: int = 1) -> None:
        """Until so many runs have begun."""
        with anyio.fail_after(PATIENCE_S):
            while len(self.began) < count:
                await self._changed.wait()


class Office:
    """A runner that serves, its table, and short words for what its clients do."""

    def __init__(self, runner: JobRunner, table: JobTable, work: Work) -> None:
        self.runner = runner
        self.table = table
        self.work = work

    def start(self, days: int = 1, here: Here | None = None, client: str = "agent") -> Running:
        """Begin the work, or find who does it already."""
        return self.runner.start(self.work.tool, {"days": days}, here or Here(), client)

    async def call(
        self, days: int = 1, *, detach: bool = False, report: Report = no_report
    ) -> BaseModel:
        """As a client's call does."""
        with anyio.fail_after(PATIENCE_S):
            return await self.runner.call(
                self.work.tool, {"days": days}, Here(), report, detach=detach, client="agent"
            )

    async def ended(self, job: Running) -> Record:
        """How it ended, as it is on disk."""
        with anyio.fail_after(PATIENCE_S):
            await job.ended.wait()
        return self.kept(job)

    def kept(self, job: Running) -> Record:
        """How it stands on disk."""
        found = self.table.find(job.record.project, job.record.id)
        assert found is not None
        return found

    async def until(self, job: str, state: JobState) -> Record:
        """How a job stands that is to reach this state."""
        with anyio.fail_after(PATIENCE_S):
            while (found := self.runner.find("us/1001", job)).state != state:
                await self.runner.wait(job, PATIENCE_S, no_report)
                await anyio.lowlevel.checkpoint()
        return found


@asynccontextmanager
async def office(state: State, work: Work) -> AsyncIterator[Office]:
    """Jobs run meanwhile; at exit the server leaves."""
    table = JobTable(state)
    runner = JobRunner({work.tool.name: work.tool}, lambda: table)
    async with anyio.create_task_group() as tasks:
        await tasks.start(runner.serve)
        try:
            yield Office(runner, table, work)
        finally:
            work.may_stop.set()
            with anyio.fail_after(PATIENCE_S, shield=True):
                await runner.close()


def standing(here: Here) -> Callable[[Mapping[str, Any]], Here]:
    """What the next server makes of a job's account."""

    def found(asking: Mapping[str, Any]) -> Here:
        assert asking["account"] == here.account
        return here

    return found
