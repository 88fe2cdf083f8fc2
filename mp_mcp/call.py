"""Caller: the one way in. LocalCaller validates a call, lends the handles and awaits the tool.

Never knows a tool, a front or a protocol: errors leave it as MpError, answers as models.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import anyio
from pydantic import BaseModel

from mp_mcp.arguments import find, validated
from mp_mcp.bounds import Bounds, bound
from mp_mcp.charts import picture
from mp_mcp.charts.shape import shape_of
from mp_mcp.error_groups import leading_error
from mp_mcp.errors import MpError, UsageError
from mp_mcp.progress import Progress, Report, no_report
from mp_mcp.results import Result, Rows
from mp_mcp.saving import save
from mp_mcp.tool import CHART, DETACH, SAVE_AS, Handle, Tool

HEARTBEAT_S = 3.0
"""Hosts give up on silent calls; some only after 60 s, some after 5, and a server may have to start
first."""


class Caller(Protocol):
    """The seam: every front knows only this."""

    async def call(
        self, tool: str, arguments: Mapping[str, Any], report: Report = no_report
    ) -> BaseModel:
        """Run one tool. Raises: MpError, and nothing else on purpose."""


class Standing(Protocol):
    """Where one call stands: the client's project and handles, as they were when it began."""

    @property
    def project(self) -> str | None:
        """The project that the answer names."""

    @property
    def notice(self) -> str | None:
        """What this client has to know before it compares this answer with earlier ones."""

    def notice_told(self) -> None:
        """The notice has reached the client."""

    async def lend(self, handle: type[Handle], **options: Any) -> Handle:
        """The capability. Raises: SettingsError when the client's settings do not allow it."""


class Lender(Protocol):
    """Where a call's handles come from: one client's settings."""

    def standing(self) -> Standing:
        """Where a call that begins now stands; never fails."""


class RunJob(Protocol):
    """Starts a tool as a job, or finds the one that does the same, and follows it for a while."""

    async def __call__(
        self, tool: Tool, parameters: dict[str, Any], standing: Any, report: Report, *, detach: bool
    ) -> BaseModel:
        """The tool's answer, or a JobResult that says how the job stands. Raises: MpError."""


class LocalCaller:
    """Runs tools in this process; without `run_job` a job ends with its call."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        lender: Lender,
        bounds: Bounds,
        run_job: RunJob | None = None,
        withheld: Mapping[str, UsageError] | None = None,
    ) -> None:
        """`withheld` says why a tool that exists is refused here."""
        self._tools = tools
        self._withheld = withheld or {}
        self._lender = lender
        self._bounds = bounds
        self._run_job = run_job

    async def call(
        self, tool: str, arguments: Mapping[str, Any], report: Report = no_report
    ) -> BaseModel:
        """Validate, lend, await, bound."""
        if tool in self._withheld:
            refusal = self._withheld[tool]
            raise refusal.with_hint(refusal.hint or "")  # each call raises its own
        found = find(self._tools, tool)
        parameters = validated(found, arguments)
        wants_chart = found.has_chart and parameters.pop(CHART.name)
        # Before anything is awaited: meanwhile the client may be moved to another project.
        standing = self._lender.standing()
        if wants_chart:
            # Before the call, which may cost a query.
            await anyio.to_thread.run_sync(picture.require)
        try:
            title = picture.title_of(found.name, arguments) if wants_chart else None
            result = await self._run(found, parameters, standing, report, title)
        except MpError as error:
            if not standing.notice:
                raise
            hint = f"{standing.notice} {error.hint or ''}".strip()
            standing.notice_told()
            raise error.with_hint(hint) from error
        return self._finished(result, standing)

    async def _run(
        self,
        tool: Tool,
        parameters: dict[str, Any],
        standing: Standing,
        report: Report,
        title: str | None,
    ) -> BaseModel:
        detach = parameters.pop(DETACH.name) if tool.is_job else False
        save_as = parameters.pop(SAVE_AS.name) if tool.is_savable else None
        if tool.is_job and self._run_job is not None:
            work = partial(self._run_job, tool, parameters, standing, detach=detach)
        else:
            work = partial(_run_and_keep, tool, parameters, standing, title=title, save_as=save_as)
        return await _kept_alive(work, report)

    def _finished(self, result: BaseModel, standing: Standing) -> BaseModel:
        if isinstance(result, Result):
            result.project = result.project or standing.project
            if standing.notice:
                result.notice = standing.notice
                standing.notice_told()
        if isinstance(result, Rows):
            bound(result, self._bounds)
        return result


async def run(
    tool: Tool,
    parameters: dict[str, Any],
    standing: Standing,
    report: Report,
    *,
    job_id: str | None = None,
) -> BaseModel:
    """Lend a tool its handles and await its answer; `job_id` makes its writes safe to repeat.

    Raises: MpError, the leading one when several things failed at once.
    """
    options = {option.name: parameters[option.name] for option in tool.options}
    own = {name: value for name, value in parameters.items() if name not in options}
    try:
        handles = await _lent(tool, standing, options, report, job_id)
        result = await tool.function(**handles, **own)
    except BaseExceptionGroup as group:
        error = leading_error(group)
        raise error from error.__cause__  # what it was raised from stays the cause
    for handle in handles.values():
        handle.complete(result)
    return result


async def _run_and_keep(
    tool: Tool,
    parameters: dict[str, Any],
    standing: Standing,
    report: Report,
    *,
    title: str | None,
    save_as: str | None,
) -> BaseModel:
    """Run, draw under this title, keep under this name."""
    result = await run(tool, parameters, standing, report)
    if title is not None:
        # Before the rest of the answer goes: a kept one leaves its start, the bounds some rows.
        await _draw(result, title)
    if save_as is not None and isinstance(result, Rows):
        await save(result, save_as, standing)
    return result


async def _kept_alive(work: Callable[[Report], Awaitable[BaseModel]], report: Report) -> BaseModel:
    """Await work that reports its progress, and report for it while it is silent.

    Lending may take long as well: a keyring to unlock, a library to load.
    """
    if report is no_report:
        return await work(report)
    alive = _Alive(report)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(alive.beat)
            result = await work(alive.report)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error = leading_error(group)
        raise error from error.__cause__
    return result


async def _lent(
    tool: Tool,
    standing: Standing,
    options: Mapping[str, Any],
    report: Report,
    job_id: str | None,
) -> dict[str, Handle]:
    """The handles that the tool asks for, by the names of its parameters."""
    handles: dict[str, Handle] = {}
    for name, handle in tool.handles.items():
        if handle is Progress:
            handles[name] = Progress(report)
        else:
            chosen = {option.name: options[option.name] for option in handle.options}
            if handle.writes and job_id is not None:
                chosen["job_id"] = job_id
            handles[name] = await standing.lend(handle, **chosen)
    return handles


async def _draw(result: BaseModel, title: str) -> None:
    """Add the picture to a result, or a hint that there is nothing to draw."""
    shape = shape_of(result.model_dump(mode="json", exclude_none=True))
    if shape is not None and isinstance(result, Result):
        drawn = await anyio.to_thread.run_sync(picture.picture, shape, title)
        result.picture, told = drawn
    else:
        told = "There is nothing to draw."
    if isinstance(result, Rows):
        result.hint = " ".join(filter(None, [told, result.hint])) or None


class _Alive:
    """Forwards a tool's progress, and speaks up when the tool is silent for too long."""

    def __init__(self, report: Report) -> None:
        self._forward = report
        self._started = time.monotonic()
        self._done = 0.0
        self._total: float | None = None
        self._message = "running"

    async def report(self, done: float, total: float | None, message: str | None) -> None:
        # Progress has to grow with every message, by the protocol.
        self._done = max(done, self._done + 1e-6)
        self._total = total
        self._message = message or self._message
        await self._forward(self._done, total, message)

    async def beat(self) -> None:
        while True:
            await anyio.sleep(HEARTBEAT_S)
            elapsed = round(time.monotonic() - self._started)
            self._done += 1e-6
            await self._forward(self._done, self._total, f"{self._message}, {elapsed} s")
