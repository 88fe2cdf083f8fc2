"""One request to the shared server and its answer, with progress in between.

Never renders, and never sends a call twice: what a server that went away had done is unknown.
Standard library only.
"""

import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import Any, NamedTuple

from mp_mcp import __version__
from mp_mcp.error_codes import error_of
from mp_mcp.errors import ServerUnreachableError, ServerVersionError
from mp_mcp.front.greet import STOPPED_PATIENCE_S, Greeted, greet
from mp_mcp.server import lease, processes
from mp_mcp.settings import Asking, Home

PROTOCOL_VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": PROTOCOL_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "mp", "version": __version__},
}
TICK_S = 0.1
RETRY_S = 10.0
"""How long a call that could not even be sent is tried again."""

Watch = Callable[[Mapping[str, Any] | None], None]
"""Called with each progress notification, and with None about ten times a second."""


class Reply(NamedTuple):
    """An answer, and who gave it."""

    pid: int
    version: str
    result: dict[str, Any]


def unwatched(progress: Mapping[str, Any] | None) -> None:
    """Watch nothing."""


def call_tool(
    home: Home,
    asking: Asking,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    watch: Watch = unwatched,
) -> Reply:
    """Run one tool; `result` is its structured content. Raises: the tool's error as an MpError."""
    params = {"name": tool, "arguments": dict(arguments), "_meta": {**META, "progressToken": 1}}
    reply = ask(home, asking, "tools/call", params, watch=watch)
    content = reply.result.get("structuredContent")
    if not isinstance(content, dict):
        raise ServerVersionError(
            f"The server's answer to {tool} has no structured content.",
            hint="Run `mp server stop`; the next command starts a server of this version.",
        )
    if reply.result.get("isError"):
        raise error_of(content)
    return reply._replace(result=content)


def complete(
    home: Home, asking: Asking, argument: str, typed: str, others: Mapping[str, str]
) -> list[str]:
    """Known names that continue what is typed for an argument. Raises: lease.Absent, MpError.

    It starts no server.
    """
    params = {
        # The protocol completes arguments of prompts; what is known is known for all.
        "ref": {"type": "ref/prompt", "name": "explain_drop"},
        "argument": {"name": argument, "value": typed},
        "context": {"arguments": dict(others)},
        "_meta": META,
    }
    found = ask(home, asking, "completion/complete", params, start=False).result
    return [str(value) for value in found.get("completion", {}).get("values", ())]


def ask(
    home: Home,
    asking: Asking,
    method: str | None,
    params: Mapping[str, Any] | None = None,
    *,
    start: bool = True,
    watch: Watch = unwatched,
) -> Reply:
    """Greet the server and make one request (none when `method` is None).

    Raises: lease.Absent when no server runs and none may be started; ServerUnreachableError.
    """
    deadline = time.monotonic() + RETRY_S
    while True:
        try:
            greeted = greet(home, asking, kind="human", start=start, choice={"asks": method})
        except lease.NotStarted as error:
            raise error.reason from error
        with closing(greeted.socket):
            if method is None:
                return Reply(greeted.pid, greeted.version, {})
            request = _message(method, params or {}, id=1)
            try:
                greeted.socket.sendall(request)
            except (BrokenPipeError, ConnectionResetError):
                # It was leaving and never saw the call; a refusal may wait to be read, though.
                if time.monotonic() < deadline and not _has_words(greeted.socket):
                    continue
            answer = _answer(greeted, watch)
            if answer is not None:
                return Reply(greeted.pid, greeted.version, answer)


def _answer(greeted: Greeted, watch: Watch) -> dict[str, Any] | None:
    """The result of request 1, None when a leaving server did not start it.

    An interrupt is passed on to the server.
    """
    lines = _Lines(greeted, watch)
    try:
        while (message := lines.next()) is not None:
            if message.get("method") == "notifications/progress":
                watch(message.get("params") or {})
            # An error without an id answers a line that the server could not even parse.
            elif message.get("id") == 1 or "error" in message:
                return _result(message)
    except KeyboardInterrupt:
        with suppress(OSError):
            greeted.socket.sendall(_message("notifications/cancelled", {"requestId": 1}))
        raise
    raise ServerUnreachableError(
        "The shared server went away during the call.",
        hint="Run the command again; `mp server logs` may say why it went.",
    )


class _Lines:
    """The messages of a connection."""

    def __init__(self, greeted: Greeted, watch: Watch) -> None:
        self._socket = greeted.socket
        self._pid = greeted.pid
        self._watch = watch
        self._buffer = bytearray()

    def next(self) -> dict[str, Any] | None:
        """The next message, or None at the end."""
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            chunk = self._received()
            if not chunk:
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        message = json.loads(line)
        return message if isinstance(message, dict) else {}

    def _received(self) -> bytes:
        self._socket.settimeout(TICK_S)
        stopped = processes.StoppedFor()
        while True:
            try:
                return self._socket.recv(1 << 18)
            except TimeoutError:
                self._watch(None)
                if stopped.seconds(self._pid) > STOPPED_PATIENCE_S:
                    raise lease.hung(self._pid) from None
            except ConnectionResetError:
                return b""


def _result(message: Mapping[str, Any]) -> dict[str, Any] | None:
    error = message.get("error")
    if not isinstance(error, dict):
        result = message.get("result")
        return result if isinstance(result, dict) else {}
    known = error.get("data")
    if isinstance(known, dict) and known.get("code") == lease.LEAVING:
        return None
    if isinstance(known, dict) and "code" in known and "message" in known:
        raise error_of(known)
    raise ServerVersionError(
        f"The server refused the request: {error.get('message')}",
        hint="It may be of another version: run `mp server stop`, then try again.",
    )


def _has_words(connected: socket.socket) -> bool:
    with suppress(OSError):
        return bool(connected.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    return False


def _message(method: str, params: Mapping[str, Any], **more: int) -> bytes:
    message = {"jsonrpc": "2.0", **more, "method": method, "params": params}
    return json.dumps(message).encode() + b"\n"
