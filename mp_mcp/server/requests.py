"""What `mp` asks besides tools: the history, following it live, and stopping what runs.

Never runs a tool. Requests that end the server are the connection's own (`connection.py`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol

import anyio

from mp_mcp.errors import NotFoundError, UsageError
from mp_mcp.history import Wanted, moment_of
from mp_mcp.server.calls import Call
from mp_mcp.server.history import MOST_LISTED, History
from mp_mcp.server.job_runner import JobRunner

STOPS_WITHIN_S = 10.0
"""A statement is interrupted at once, as a rule; a write that has begun ends first."""


LONGEST_NUMBER = 19


class Host(Protocol):
    """What these requests need of the door."""

    history: History
    jobs: JobRunner

    def call(self, number: int) -> Call | None:
        """The running call of this id, whoever made it."""


async def history(host: Host, params: Mapping[str, Any], _: str) -> dict[str, Any]:
    """The latest calls, newest first."""
    return {"calls": [entry.as_dict() for entry in host.history.entries(_wanted(params))]}


async def cancel(host: Host, params: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Stop a call or a job. Raises: NotFoundError."""
    name = str(params.get("id", "")).strip().removeprefix("#")
    is_number = name.isascii() and name.isdigit() and len(name) < LONGEST_NUMBER
    call = host.call(int(name)) if is_number else None
    if call is not None and call.job is None:
        call.cancel(by)
        with anyio.move_on_after(STOPS_WITHIN_S):
            await call.ended.wait()
        return _of_call(call)
    job = call.job.record.id if call is not None and call.job is not None else name
    record = next((one for one in host.jobs.running() if one.id == job), None)
    if record is None:
        raise NotFoundError(
            f"Nothing that runs has the id {name or 'you gave'}.",
            hint="`mp status` lists what runs; a call that has ended is in `mp history`.",
        )
    await host.jobs.stop(record, by)
    return {"id": name, "job": job, "tool": record.tool, "client": record.client} | {
        "state": record.state
    }


ANSWERED: Mapping[str, Callable[[Host, Mapping[str, Any], str], Awaitable[dict[str, Any]]]] = {
    "mp/history": history,
    "mp/cancel": cancel,
}
"""By the name of the request."""


async def followed(host: Host, params: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """The calls after the one of the id `after`, then each call as it ends."""
    wanted = _wanted(params)
    with host.history.follow() as live:
        for entry in reversed(host.history.entries(wanted)):
            yield entry.as_dict()
        async for entry in live:
            for found in host.history.entries(wanted._replace(number=entry.id)):
                yield found.as_dict()


def _wanted(params: Mapping[str, Any]) -> Wanted:
    """Raises: UsageError."""
    numbers = {name: params.get(name) for name in ("limit", "after", "id")}
    for name, value in numbers.items():
        if value is not None and not (isinstance(value, int) and 0 <= value < 2**62):
            raise UsageError(f"{name} is no number of a call: {value!r}.", hint="Example: 12")
    texts = {name: params.get(name) for name in ("client", "tool", "since")}
    return Wanted(
        limit=min(int(numbers["limit"] or 20), MOST_LISTED),
        after=int(numbers["after"] or 0),
        number=numbers["id"],
        waits=numbers["id"] is not None,
        client=None if texts["client"] is None else str(texts["client"]),
        tool=None if texts["tool"] is None else str(texts["tool"]),
        since=moment_of(None if texts["since"] is None else str(texts["since"])),
    )


def _of_call(call: Call) -> dict[str, Any]:
    has_ended = call.ended.is_set()
    return {
        "id": str(call.number),
        "tool": call.tool,
        "client": call.client.label,
        "state": call.outcome if has_ended else "stopping",
    }
