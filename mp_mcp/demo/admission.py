"""Which quota a request needs room in, and what its answer says about the rate limits.

Never counts anything itself: `limits.py` does.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Send

from mp_mcp.demo.limits import COUNTED_QUERIES, Limits, Refusal, Ticket
from mp_mcp.demo.wire import Call, WireError


class Place:
    """One request's place in the limits, held until its answer has left; or none."""

    def __init__(
        self,
        limits: Limits | None = None,
        ticket: Ticket | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self._limits = limits
        self._ticket = ticket
        self._headers = headers or {}

    def describe(self, response: Response) -> None:
        """Tell the answer's reader what is left, unless the answer says so itself."""
        for name, text in self._headers.items():
            response.headers.setdefault(name, text)

    def leave(self, status: int) -> None:
        """Give the place back; a second time does nothing."""
        if self._limits is not None and self._ticket is not None:
            self._limits.done(self._ticket, status)
        self._ticket = None

    def leaving(self, send: Send, entry: dict[str, Any]) -> Send:
        """A `send` that gives the place back before the last bytes go.

        A client that has its answer may ask again at once, so that the place must be free by then.
        """

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.leave(entry["status"])
            await send(message)

        return send_and_leave


def take_place(call: Call, rest: str, entry: dict[str, Any]) -> Place:
    """The place of a request below its prefix, or its refusal as a `WireError`."""
    segments = rest.strip("/").split("/")
    api = _quota_of(call.api, segments)
    if api is None:
        return Place()
    limits, switches = call.world.limits, call.world.switches
    entry["in_flight"] = limits.in_flight(api, call.project.id) + 1
    counts = _counts(call, segments)
    admitted = limits.admit(api, call.project.id, counts=counts, enforced=switches.limits)
    if isinstance(admitted, Refusal):
        raise _refused(call, admitted)
    told = switches.rate_headers == "always" and counts and api in ("query", "jql")
    return Place(limits, admitted, limits.headers(call.project.id) if told else None)


def _quota_of(api: str, segments: list[str]) -> str | None:
    if api == "app":
        return "lexicon" if segments[2:3] == ["schemas"] else None
    if api == "export":
        return api
    if segments[0] == "jql":
        return "jql"
    return "query" if segments[0] in COUNTED_QUERIES else None


def _counts(call: Call, segments: list[str]) -> bool:
    """Further pages of profiles are free, and so are aliases."""
    further_page = segments == ["engage"] and bool(call.params.get("session_id"))
    return not further_page and segments != ["engage", "aliases"]


def _refused(call: Call, refusal: Refusal) -> WireError:
    switches = call.world.switches
    headers = {} if switches.rate_headers == "never" else dict(refusal.headers)
    if switches.retry_after == "seconds":
        headers["Retry-After"] = str(refusal.retry_after)
    elif switches.retry_after == "date":
        moment = datetime.now(UTC) + timedelta(seconds=refusal.retry_after)
        headers["Retry-After"] = format_datetime(moment, usegmt=True)
    return WireError(429, refusal.message, headers=headers, with_url=True)
