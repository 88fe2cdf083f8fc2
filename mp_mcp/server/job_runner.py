"""Runs jobs: starts them, lets clients follow and stop them, goes on with them after a restart.

Never ends a job because its caller has gone, and never writes a credential: those of whoever
started a job stay in memory until it ends.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from mp_mcp.arguments import validated
from mp_mcp.call import run
from mp_mcp.error_codes import error_of
from mp_mcp.errors import (
    CredentialsError,
    JobCancelledError,
    MpError,
    NotFoundError,
)
from mp_mcp.jobs import UNFINISHED, WAIT_S, JobResult
from mp_mcp.mixpanel.tally import counting
from mp_mcp.progress import Report
from mp_mcp.server.calls import CURRENT
from mp_mcp.server.job_table import HINTS, JobTable, Record
from mp_mcp.server.running_job import Place, Running
from mp_mcp.tool import Tool

logger = logging.getLogger(__name__)


class JobRunner:
    """The jobs of this process. `serve` must run for as long as jobs are to run."""

    def __init__(self, tools: Mapping[str, Tool], open_table: Callable[[], JobTable]) -> None:
        self._tools = tools
        self._open_table = open_table
        self._running: dict[str, Running] = {}
        self._tasks: TaskGroup | None = None
        self._is_leaving = False
        self._last_end = time.monotonic()
        self.on_end: Callable[[Running], None] = _nobody_asked

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Be the place where jobs run, until `close`."""
        async with anyio.create_task_group() as self._tasks:
            task_status.started()
            await anyio.sleep_forever()

    async def close(self) -> None:
        """Stop the jobs; the next server goes on with them."""
        self._is_leaving = True
        for running in tuple(self._running.values()):
            running.scope.cancel()
        for running in tuple(self._running.values()):
            await running.ended.wait()
        if self._tasks is not None:
            self._tasks.cancel_scope.cancel()

    def running(self) -> Iterator[Record]:
        """The jobs under way."""
        return (running.record for running in self._running.values())

    def idle_s(self) -> float:
        """Seconds since the last job ended; 0 while one runs."""
        return 0.0 if self._running else time.monotonic() - self._last_end

    async def call(
        self,
        tool: Tool,
        parameters: dict[str, Any],
        standing: Place,
        report: Report,
        *,
        detach: bool,
        client: str,
    ) -> BaseModel:
        """Start the job, or find the one that does the same, and follow it for a while.

        Raises: what the job raises.
        """
        job = self.start(tool, parameters, standing, client)
        if not detach:
            await job.follow(WAIT_S, report)
        return _answer(tool, job)

    def start(
        self, tool: Tool, parameters: dict[str, Any], standing: Place, client: str
    ) -> Running:
        """The new job, or the one that does the same: it runs already, or waits to go on."""
        table = self._open_table()
        record = Record(
            id=f"job-{secrets.token_hex(5)}",
            project=standing.project_key,
            tool=tool.name,
            arguments=to_jsonable_python(parameters),
            asking=standing.asking(),
            client=client,
            started=time.time(),
        )
        job = Running(record, table)
        for other in self._running.values():
            if other.key == job.key and not other.scope.cancel_called:
                return other
        for waiting in table.unfinished():
            twin = Running(waiting, table)
            if twin.key == job.key and waiting.id not in self._running:
                job = twin
                break
        job.stand(state="running", client=client, error=None)
        self._spawn(job, tool, parameters, standing)
        call = CURRENT.get()
        if call is not None:
            call.job = job
        return job

    def resume(self, standing_of: Callable[[Mapping[str, Any]], Place]) -> None:
        """Go on with the jobs that no server has ended, as far as stored accounts allow.

        `standing_of` finds where a job stood; never fails.
        """
        for record in self._open_table().unfinished():
            if record.id not in self._running:
                # Without an account it was somebody's own credentials: the default account is not.
                is_stored = bool(record.asking.get("account"))
                self._resume(record, standing_of(record.asking) if is_stored else None)

    def set_aside(self) -> None:
        """Jobs of a server that was killed run no more; nobody goes on with them by himself."""
        table = self._open_table()
        for record in table.unfinished():
            if record.state == "running" and record.id not in self._running:
                Running(record, table).stand(state="interrupted")

    def offer(self, standing: Place) -> None:
        """A client has come: jobs that wait for its credentials go on with them."""
        if not standing.has_credentials:
            return
        for record in self._open_table().unfinished():
            if record.project == standing.project_key and record.id not in self._running:
                self._resume(record, standing)

    def _resume(self, record: Record, standing: Place | None) -> None:
        job = Running(record, self._open_table(), is_resumed=True)
        if (
            standing is None
            or standing.project_key != record.project
            or not standing.has_credentials
        ):
            job.stand(state="needs_credentials")
            return
        try:
            tool = self._tools[record.tool]
            parameters = validated(tool, {**record.arguments, "detach": False})
        except Exception:
            # Whoever has just connected must not pay for a job of another version.
            logger.exception("Job %s cannot go on", record.id)
            job.stand(state="failed", ended=time.time(), error=_OUTDATED.info().as_dict())
            return
        parameters.pop("detach")
        logger.info("job %s goes on: %s", record.id, record.message)
        job.stand(state="running", error=None)
        self._spawn(job, tool, parameters, standing)

    def _spawn(self, job: Running, tool: Tool, parameters: dict[str, Any], standing: Place) -> None:
        if self._tasks is None or self._is_leaving:
            job.stand(state="interrupted")
            return
        self._running[job.record.id] = job
        self._tasks.start_soon(self._run, job, tool, parameters, standing)

    async def _run(
        self, job: Running, tool: Tool, parameters: dict[str, Any], standing: Place
    ) -> None:
        try:
            with job.scope, counting(job.tally):
                result = await run(tool, parameters, standing, job.report, job_id=job.record.id)
                found = result.model_dump(mode="json", exclude_none=True)
                found |= {"job": job.record.id, "project": standing.project}
                job.stand(state="done", ended=time.time(), result=found)
        except anyio.get_cancelled_exc_class():
            raise  # not by its own scope: the process ends
        except CredentialsError as error:
            # Nobody who started it is there to be told: the next client may have better ones.
            job.fail(error, "needs_credentials" if job.is_resumed else "failed")
        except MpError as error:
            job.fail(error)
        except BaseException:
            # Whatever it is, it must not end the other jobs and the server.
            logger.exception("Job %s failed", job.record.id)
            job.fail(_bug())
        finally:
            self._ended(job)

    def _ended(self, job: Running) -> None:
        """It runs no more. What did not say how it ended was cancelled."""
        del self._running[job.record.id]
        self._last_end = time.monotonic()
        try:
            if job.record.state == "running" and job.is_stopped_by_a_client:
                job.stand(state="cancelled", ended=time.time())
            elif job.record.state == "running":
                job.stand(state="interrupted")
        finally:
            job.ended.set()
            self.on_end(job)
        logger.info("job %s %s: %s", job.record.id, job.record.state, job.record.message)

    # --- for those who watch

    def latest(self, project: str) -> list[Record]:
        """The latest jobs of a project, as they stand now."""
        return [self._now(record) for record in self._open_table().latest(project)]

    def find(self, project: str, job: str) -> Record:
        """One job of a project, as it stands now. Raises: NotFoundError."""
        record = self._open_table().find(project, job)
        if record is None:
            raise NotFoundError(
                f"There is no job {job} in this project.", hint="inspect_jobs lists the jobs."
            )
        return self._now(record)

    async def wait(self, job: str, seconds: float, report: Report) -> None:
        """Return when it runs no more, or after so long."""
        running = self._running.get(job)
        if running is not None:
            await running.follow(seconds, report)

    async def stop(self, record: Record, by: str | None = None) -> None:
        """Stop the job, and return when it has stopped."""
        running = self._running.get(record.id)
        if running is not None:
            running.is_stopped_by_a_client = True
            running.stopped_by = by
            running.scope.cancel()
            await running.ended.wait()
        elif record.state in UNFINISHED:
            Running(record, self._open_table()).stand(state="cancelled", ended=time.time())

    def _now(self, record: Record) -> Record:
        running = self._running.get(record.id)
        return running.record if running is not None else record


_OUTDATED = MpError(
    "This job was started by another version of mp-mcp, which took other arguments.",
    hint="Start it again.",
)


def _nobody_asked(_: Running) -> None:
    """Tell nobody that a job has ended."""


def _bug() -> MpError:
    return MpError(
        "This job failed because of a bug in mp-mcp.",
        hint="The details are in the server log: `mp server logs`.",
    )


def _answer(tool: Tool, job: Running) -> BaseModel:
    """The tool's answer. Raises: what the job raised."""
    record = job.record
    if record.state == "done":
        return tool.result_model.model_validate(record.result)
    if record.state == "failed":
        failure = job.failure or error_of(record.error or {})
        raise failure.with_hint(failure.hint) if failure.hint else failure
    if record.state == "cancelled":
        by = f" by {job.stopped_by}" if job.stopped_by else ""
        raise JobCancelledError(f"The job {record.id} was stopped{by}.", hint=HINTS["cancelled"])
    unfinished: type[JobResult] = tool.result_model  # type: ignore[assignment]
    return unfinished(
        job=record.id, state=record.state, progress=record.message, hint=HINTS.get(record.state)
    )
