"""The gate before the HTTP door: who may come in, and with how much.

Never passes a request on that has no token, comes from a web page, or is too large; and never
repeats in an answer what the request said.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import anyio

from mp_mcp.errors import CredentialsError, MpError, ServerUnreachableError, UsageError
from mp_mcp.server.lease import LONGEST_LINE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PATH = "/mcp"
INVALID_REQUEST = -32600

DRAINED_BYTES = 8 * LONGEST_LINE
DRAINED_S = 5.0
"""Of a request that is too large this much is read away: else its sender misses the answer."""

_HERE = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: int
    error: MpError
    headers: tuple[tuple[bytes, bytes], ...] = ()


FOREIGN_HOST = Refusal(
    421,
    UsageError(
        "This server is 127.0.0.1; the Host header names another one.",
        hint="Use the URL that `mp server status` shows.",
    ),
)
FOREIGN_ORIGIN = Refusal(
    403, UsageError("Web pages may not call this server.", hint="Call it from a program.")
)
NO_SUCH_PATH = Refusal(404, UsageError("There is nothing here.", hint=f"The path is {PATH}."))
NO_TOKEN = Refusal(
    401,
    CredentialsError(
        "The bearer token is missing or wrong.",
        hint="Send the header `Authorization: Bearer TOKEN`; "
        "`mp server status --show-token` shows the token.",
    ),
    ((b"www-authenticate", b'Bearer realm="mp-mcp"'),),
)
TOO_LARGE = Refusal(
    413,
    UsageError(f"A request may have at most {LONGEST_LINE:,} bytes.", hint="Send less at once."),
)
LEAVING = Refusal(
    503,
    ServerUnreachableError("The server is leaving.", hint="Try again in a moment."),
    ((b"retry-after", b"1"),),
)


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: App, token: str, is_leaving: Callable[[], bool]) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._is_leaving = is_leaving
        self._visits: set[anyio.CancelScope] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
        if scope["type"] != "http":
            return
        answer = _Answer(send)
        with anyio.CancelScope() as visit:
            self._visits.add(visit)
            try:
                await self._admit(scope, receive, answer)
            finally:
                self._visits.discard(visit)
        if visit.cancelled_caught:
            await answer.end()

    def clear(self) -> None:
        """End every request that is being answered."""
        for visit in self._visits:
            visit.cancel()

    async def _admit(self, scope: Message, receive: Receive, answer: "_Answer") -> None:
        headers = _headers(scope)
        refusal = self._refusal(str(scope["path"]), headers)
        if refusal is None:
            body = await _body(receive)
            if body is not None:
                await self._app(scope, _replayed(body, receive), answer)
                return
            refusal = TOO_LARGE
        await answer.refuse(refusal)

    def _refusal(self, path: str, headers: dict[bytes, bytes]) -> Refusal | None:
        if not _HERE.fullmatch(headers.get(b"host", b"").decode("latin-1")):
            return FOREIGN_HOST
        origin = headers.get(b"origin")
        if origin is not None and not _ORIGIN.fullmatch(origin.decode("latin-1")):
            return FOREIGN_ORIGIN
        if path != PATH:
            return NO_SUCH_PATH
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        told = scheme.title() + b" " + token.strip()
        if not hmac.compare_digest(told, self._expected):
            return NO_TOKEN
        return LEAVING if self._is_leaving() else None


class _Answer:
    """The way back, which knows how far an answer has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_begun = False
        self._is_ended = False

    async def __call__(self, message: Message) -> None:
        self._is_begun = True
        if message["type"] == "http.response.body":
            self._is_ended = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Say why, as a JSON-RPC error."""
        found = refusal.error.info()
        error = {"code": INVALID_REQUEST, "message": found.message, "data": found.as_dict()}
        body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *refusal.headers,
        ]
        await self({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})

    async def end(self) -> None:
        """Come to an end, because the server leaves."""
        if not self._is_begun:
            await self.refuse(LEAVING)
        elif not self._is_ended:
            await self({"type": "http.response.body", "body": b""})


def _headers(scope: Message) -> dict[bytes, bytes]:
    """Headers by name; one that comes twice counts as neither, so nobody can choose for us."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        found[name] = b"\x00" if name in found else value
    return found


async def _body(receive: Receive) -> list[Message] | None:
    """What the client sends, None when it is too much; nothing of that is kept."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        is_last = not message.get("more_body", False)
        if size > LONGEST_LINE:
            messages.clear()
            if not is_last:
                await _drain(receive)
            return None
        messages.append(message)
        if is_last:
            return messages


async def _drain(receive: Receive) -> None:
    size = 0
    with anyio.move_on_after(DRAINED_S):
        while size < DRAINED_BYTES:
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                return


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay
