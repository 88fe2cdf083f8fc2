"""A job as a command: start it, follow it to its end, through restarts of the server.

Never runs a job itself, and never leaves one running that the person stopped. Standard library
only.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from mp_mcp.errors import CredentialsError, MpError, ServerUnreachableError
from mp_mcp.front import talk
from mp_mcp.front.link import Reply, Watch, call_tool
from mp_mcp.settings import Asking, Home

Call = Callable[[str, Mapping[str, Any]], Reply]

RESTARTS = 5
"""Servers in a row that may go away before one answers."""

PAUSE_S = 0.5
LONGEST_CALL_S = 30.0


def run_job(
    home: Home, asking: Asking, tool: str, arguments: Mapping[str, Any], watch: Watch
) -> Reply:
    """Start a job and, unless it is to be detached, follow it. Raises: the job's error."""
    call = _caller(home, asking, watch)
    reply = call(tool, {**arguments, "detach": True})
    if arguments.get("detach") or reply.result.get("state") == "done":
        return reply
    return follow(call, str(reply.result["job"]))


def wait(home: Home, asking: Asking, arguments: Mapping[str, Any], watch: Watch) -> Reply:
    """`mp wait job`: to the job's end, unless a timeout is given. Ctrl-C leaves the job alone."""
    call = _caller(home, asking, watch)
    return _waited(call, str(arguments["job"]), arguments.get("timeout"))


def _caller(home: Home, asking: Asking, watch: Watch) -> Call:
    def call(tool: str, arguments: Mapping[str, Any]) -> Reply:
        return call_tool(home, asking, tool, arguments, watch=watch)

    return call


def follow(call: Call, job: str) -> Reply:
    """Wait for a job that this command began: Ctrl-C asks it to stop, and is raised when it has.

    Raises: the job's error.
    """
    try:
        return _waited(call, job, None)
    except KeyboardInterrupt:
        _stop(call, job)
        raise


def _waited(call: Call, job: str, timeout_s: float | None) -> Reply:
    """The result of the job when it is done, else how it stands after `timeout_s`."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = LONGEST_CALL_S if deadline is None else max(0.0, deadline - time.monotonic())
        reply = _patiently(call, job, min(left, LONGEST_CALL_S))
        found = reply.result
        if found["state"] == "done":
            return reply._replace(result=found["result"])
        if found["state"] == "needs_credentials":
            raise CredentialsError(
                f"The job {job} waits for credentials of its project.", hint=found.get("hint")
            )
        if deadline is not None and time.monotonic() >= deadline:
            return reply


def _patiently(call: Call, job: str, timeout_s: float) -> Reply:
    """Ask a server, or the next one: the job goes on there."""
    for restart in range(RESTARTS + 1):
        try:
            return call("wait_job", {"job": job, "timeout": timeout_s})
        except ServerUnreachableError:
            if restart == RESTARTS:
                raise
        time.sleep(PAUSE_S)
    raise AssertionError("the last restart raises")


def _stop(call: Call, job: str) -> None:
    """Ask the job to stop, and say what it leaves behind; a second Ctrl-C does not wait for it."""
    talk.say(f"stopping {job}; press Ctrl-C again to leave it alone")
    with suppress(MpError):
        found = call("cancel_job", {"job": job}).result
        if found.get("state") == "cancelled":
            progress = found.get("progress") or "nothing was done"
            talk.say(f"stopped: {progress}. What is loaded stays; run it again to get the rest")
