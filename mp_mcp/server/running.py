"""The running server: opens the door, waits for a reason to leave, and leaves in order.

Never decides who may be the server (`lease.py`), and never releases its lock (the caller does).
"""

import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio

import mp_mcp.tools
from mp_mcp import __version__
from mp_mcp.accounts import ServerSettings, read_stored
from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.errors import MpError
from mp_mcp.server import housekeeping, memory, processes
from mp_mcp.server.door import Door
from mp_mcp.server.http_door import HttpDoor
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.job_table import JobTable
from mp_mcp.server.lease import Lease, is_held
from mp_mcp.server.lender import ProjectLender
from mp_mcp.server.running_job import Place
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Asking, Home
from mp_mcp.tool import discover

logger = logging.getLogger(__name__)

LOOK_AT_HOME_S = 1.0

Leave = Callable[[str], None]

GRACE_S = 2.0
"""How long running calls may go on when the server leaves, in seconds."""


async def run(home: Home, lease: Lease, listener: socket.socket) -> None:
    """Serve until something asks to leave."""
    settings = _settings(home)
    workspaces = Workspaces(home, settings)
    if not processes.embedded(home):
        workspaces.clean_spool()
    async with (
        composed(workspaces, with_http=True) as (door, jobs, leaving),
        anyio.create_task_group() as tasks,
    ):
        await door.open(listener)
        lease.announce(__version__, ready=True)
        tasks.start_soon(_leave_on_signal, door.leave)
        if door.http is not None:
            tasks.start_soon(door.http.open_again)
        tasks.start_soon(_leave_when_idle, door, settings.exit_after_s)
        tasks.start_soon(_leave_when_homeless, door, lease)
        tasks.start_soon(housekeeping.sweep_now_and_then, workspaces)
        tasks.start_soon(housekeeping.tidy_in_quiet_moments, door, workspaces)
        _resume(jobs, workspaces)
        await leaving.wait()
        lease.withdraw()
        tasks.cancel_scope.cancel()


async def run_embedded(home: Home, opened: Callable[[Door], None]) -> None:
    """Serve this process alone, until its door is asked to leave; `opened` gets the door."""
    workspaces = Workspaces(home, _settings(home))
    if not is_held(home) and processes.embedded(home) <= {os.getpid()}:
        workspaces.clean_spool()
    async with composed(workspaces) as (door, jobs, leaving):
        # Only an agent stays for long enough to go on with somebody's work.
        door.resumes_for_people = False
        _set_aside(jobs)
        opened(door)
        await leaving.wait()


@asynccontextmanager
async def composed(
    workspaces: Workspaces, *, with_http: bool = False
) -> AsyncIterator[tuple[Door, JobRunner, anyio.Event]]:
    """The parts of a server, put together; at the end they are closed in order."""
    leaving = anyio.Event()

    def leave(reason: str) -> None:
        logger.info("leaving: %s", reason)
        leaving.set()

    memory.few_heaps()
    memory.limit(workspaces.settings.max_process_gb)
    tools = discover(mp_mcp.tools)
    jobs = JobRunner(tools, lambda: JobTable(workspaces.state()))
    jobs.on_end = workspaces.history.job_ended
    door = Door(tools, workspaces, jobs, leave)
    async with anyio.create_task_group() as tasks:
        # Before the first client can ask for one.
        await tasks.start(jobs.serve)
        if with_http:
            door.http = HttpDoor(door, workspaces.home, tasks)
        yield door, jobs, leaving
        await jobs.close()
        await door.close(GRACE_S)
        await workspaces.close()
        tasks.cancel_scope.cancel()


def _set_aside(jobs: JobRunner) -> None:
    with suppress(MpError):
        jobs.set_aside()


def _resume(jobs: JobRunner, workspaces: Workspaces) -> None:
    """Go on with the jobs of the last server, in the name of stored accounts."""

    def standing_of(asking: Mapping[str, Any]) -> Place:
        return ProjectLender(workspaces, Asking.from_dict(asking), AGENT_BOUNDS, jobs).standing()

    try:
        jobs.resume(standing_of)
    except MpError as error:
        # A state.db of a newer version is told to the client whose call needs it.
        logger.warning("Jobs are not resumed: %s", error.message)


def _settings(home: Home) -> ServerSettings:
    try:
        stored = read_stored(home)
    except MpError as error:
        # A broken mp.toml is told to the client whose call needs it.
        logger.warning("mp.toml is not used: %s", error.message)
        return ServerSettings()
    if stored.unknown:
        logger.warning("Unknown under [server] in mp.toml: %s", ", ".join(stored.unknown))
    return stored.server


async def _leave_on_signal(leave: Leave) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            leave(f"signal {number}")


async def _leave_when_homeless(door: Door, lease: Lease) -> None:
    while lease.is_ours():  # noqa: ASYNC110 - the file system does not tell
        await anyio.sleep(LOOK_AT_HOME_S)
    door.leave("the state folder was removed or replaced")


async def _leave_when_idle(door: Door, exit_after_s: float) -> None:
    while True:
        idle_s = door.idle_s()
        if idle_s >= exit_after_s:
            door.leave(f"idle for {idle_s:.0f} s")
            return
        await anyio.sleep(max(0.05, min(exit_after_s - idle_s, 60.0)))
