"""A job as a command: start it, follow it to its end, through restarts of the server.

Never runs a job itself, and never leaves one running that the person stopped. Standard library
only.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from mp_mcp.errors import CredentialsError, MpError, ServerUnreachableError, UsageError
from mp_mcp.front.greet import label
from mp_mcp.front.link import Reply, Watch, call_tool
from mp_mcp.settings import Asking, Home

Call = Callable[[str, Mapping[str, Any]], Reply]
Say = Callable[[str], None]
"""Tell the person one line."""

RESTARTS = 5
"""Servers in a row that may go away before one answers."""

PAUSE_S = 0.5
LONGEST_CALL_S = 30.0


def run_job(
    home: Home,
    asking: Asking,
    tool: str,
    arguments: Mapping[str, Any],
    watch: Watch,
    say: Say,
) -> Reply:
    """Start a job and, unless it is to be detached, follow it. Raises: the job's error."""
    if home.is_embedded and arguments.get("detach"):
        raise UsageError(
            "With MP_SERVER=off nobody goes on with a job after its command.",
            hint="Leave --detach out, or unset MP_SERVER.",
        )
    call = _caller(home, asking, watch)
    reply = call(tool, {**arguments, "detach": True})
    if arguments.get("detach") or reply.result.get("state") == "done":
        return reply
    return follow(call, str(reply.result["job"]), say)


def wait(home: Home, asking: Asking, arguments: Mapping[str, Any], watch: Watch) -> Reply:
    """`mp wait job`: to the job's end, unless a timeout is given. Ctrl-C leaves the job alone."""
    call = _caller(home, asking, watch)
    if home.is_embedded:
        # It runs in no other process: it has ended, or nobody goes on with it meanwhile.
        arguments = {**arguments, "timeout": 0}
    return _waited(call, str(arguments["job"]), arguments.get("timeout"))


def _caller(home: Home, asking: Asking, watch: Watch) -> Call:
    def call(tool: str, arguments: Mapping[str, Any]) -> Reply:
        return call_tool(home, asking, tool, arguments, watch=watch)

    return call


def follow(call: Call, job: str, say: Say) -> Reply:
    """Wait for a job: Ctrl-C asks it to stop, if this command began it, and is raised then.

    Raises: the job's error.
    """
    try:
        return _waited(call, job, None)
    except KeyboardInterrupt:
        _stop(call, job, say)
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
            why = (found.get("error") or {}).get("message", "")
            raise CredentialsError(
                f"The job {job} waits for credentials of its project. {why}".strip(),
                hint=found.get("hint"),
            )
        if deadline is not None and time.monotonic() >= deadline:
            return reply
        if found["state"] != "running":
            time.sleep(PAUSE_S)  # between two servers: nothing holds such a call


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


def _stop(call: Call, job: str, say: Say) -> None:
    """Ask the job to stop, and say what it leaves behind; a second Ctrl-C does not wait for it."""
    try:
        starter = call("wait_job", {"job": job, "timeout": 0}).result["client"]
        if starter != label("human"):
            say(f"{job} goes on: {starter} started it; `mp cancel job {job}` stops it")
            return
        say(f"stopping {job}; press Ctrl-C again to leave it alone")
        found = call("cancel_job", {"job": job}).result
    except MpError as error:
        say(error.message)
        return
    if found["state"] == "cancelled":
        progress = found.get("progress") or "nothing was done"
        say(f"stopped: {progress}. What is loaded stays; run it again to get the rest")
    else:
        say(f"{job} had ended already: {found['state']}")
