"""One client's connection: the greeting, then MCP lines in and out until either side ends it.

Never runs a tool: lines go to the protocol. Only requests that start with `mp/` are answered here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from mp_mcp import __version__
from mp_mcp.errors import MpError, UsageError
from mp_mcp.server import lines, protocol, requests
from mp_mcp.server.incoming import Incoming
from mp_mcp.server.lease import LEAVING, LONGEST_LINE
from mp_mcp.server.session import Greeting, Session
from mp_mcp.settings import Asking

logger = logging.getLogger(__name__)

GREETING = "mp/hello"
MOST_UNREAD = 100
"""So many answers may wait for a client to read; until then it is not heard any more."""

Replies = MemoryObjectReceiveStream[SessionMessage]

FIRST_WORDS_S = 10.0
"""Every client has something to say at once."""


class Host(requests.Host, Protocol):
    """What a connection needs of its door."""

    mcp: Any
    is_leaving: bool

    def leave(self, reason: str) -> None:
        """Ask the process to end."""

    def heard(self) -> None:
        """This client has said something: from now on it has a place."""

    def require_room(self, greeting: Greeting | None) -> None:
        """Raises: ServerUnreachableError when this client is one too many."""

    def enter(self, greeting: Greeting | None) -> Session:
        """A session for this client."""

    def check(self, greeting: Greeting) -> None:
        """Raises: UsageError when it chooses tools that do not exist."""

    def standing_of(self, greeting: Greeting) -> dict[str, Any]:
        """The account and project that its answers will come from."""

    def exit(self, session: Session) -> None:
        """This client is gone."""

    async def open_http(self, port: object, asking: Asking) -> str:
        """Open the HTTP door for clients that ask like this one; its URL."""

    def stop(self) -> None:
        """Leave, and let the next server start as a new one."""

    def status(self) -> dict[str, Any]:
        """What `mp server status` shows."""


class Connection:
    """From a client's first byte to its last."""

    def __init__(
        self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._session: Session
        self._tasks: TaskGroup
        self._asking = Asking()
        self._written = anyio.Event()
        self._has_ended = anyio.Event()
        self._replies: Replies

    async def serve(self) -> None:
        """Answer the client until it hangs up; its running calls end with it."""
        messages = self._messages()
        first = None
        with anyio.move_on_after(FIRST_WORDS_S):
            first = await anext(messages, None)
        if first is None:
            return
        self._host.heard()
        try:
            greeting = await self._greeted(first)
        except (MpError, ConnectionError) as error:
            # Without the settings that it asked for it would get those of another account.
            logger.debug("a client was not let in: %s", error)
            return
        session = self._session = self._host.enter(greeting)
        send_out, read_out = anyio.create_memory_object_stream[SessionMessage](0)
        try:
            async with send_out, read_out, anyio.create_task_group() as tasks:
                self._tasks, self._replies = tasks, read_out
                tasks.start_soon(self._write_all, read_out)
                asked = Incoming(messages, first if greeting is None else None)
                incoming = Incoming(self._for_the_protocol(asked))
                tasks.start_soon(protocol.serve, self._host.mcp, session, incoming, send_out)
                # Closed first: the SDK would wait a second to say goodbye for each running call.
                with closing(read_out):
                    await self._has_ended.wait()
                tasks.cancel_scope.cancel()
        except* (BrokenPipeError, ConnectionResetError, anyio.BrokenResourceError):
            logger.debug("client %s hung up", session.label)
        finally:
            self._host.exit(session)

    async def _messages(self) -> AsyncIterator[SessionMessage | JSONRPCError]:
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                await self._refuse_oversize()
                return
            except ConnectionError:
                return
            if line.strip():
                yield lines.parsed(line)

    async def _greeted(self, first: SessionMessage | JSONRPCError) -> Greeting | None:
        request = _request(first)
        is_greeting = request is not None and request.method == GREETING
        try:
            greeting = Greeting(request.params or {}) if request and is_greeting else None
            self._host.require_room(greeting)
            if greeting is not None:
                self._host.check(greeting)
        except MpError as error:
            if request is not None:
                await self._answer(_failure(request, error))
            raise
        if greeting is None or request is None:
            return None
        self._asking = greeting.asking
        newer = greeting.is_newer_than(__version__)
        is_leaving = self._host.is_leaving or newer
        told = {**self._identity(), "leaving": is_leaving}
        if not greeting.is_human:
            told["standing"] = self._host.standing_of(greeting)
        await self._answer(_success(request, told))
        if newer:
            self._host.leave(f"{greeting.label} brings the newer version {greeting.version}")
        return greeting

    async def _for_the_protocol(
        self, messages: AsyncIterator[SessionMessage | JSONRPCError]
    ) -> AsyncIterator[SessionMessage | Exception]:
        async for message in messages:
            if isinstance(message, JSONRPCError):
                await self._answer(message)
            elif (request := _request(message)) is None or not request.method.startswith("mp/"):
                if request is not None and self._host.is_leaving:
                    await self._answer(_not_started(request))
                else:
                    yield message
            else:
                await self._answer_request(request)
            await self._until_it_reads()
        self._has_ended.set()
        await anyio.sleep_forever()  # the SDK must not hear of the end before it is cancelled

    async def _answer_request(self, request: JSONRPCRequest) -> None:
        """One of ours: its name begins with `mp/`."""
        if request.method == "mp/status":
            await self._answer(_success(request, self._host.status()))
        elif request.method in {"mp/follow", *requests.ANSWERED}:
            await self._writer.drain()  # who does not read the answers gets no more of them
            self._tasks.start_soon(self._answer_to_front, request)
        elif request.method == "mp/stop":
            await self._answer(_success(request, self._identity()))
            self._host.stop()
        elif request.method == "mp/http":
            await self._open_http(request)
        else:
            data = ErrorData(code=INVALID_REQUEST, message=f"Unknown request {request.method}")
            await self._answer(JSONRPCError(jsonrpc="2.0", id=request.id, error=data))

    async def _answer_to_front(self, request: JSONRPCRequest) -> None:
        """Beside what else the connection carries: these may take long."""
        params = request.params or {}
        try:
            if request.method == "mp/follow":
                async for entry in requests.followed(self._host, params):
                    await self._answer(_progress(entry))
            else:
                answered = requests.ANSWERED[request.method]
                found = await answered(self._host, params, self._session.label)
                await self._answer(_success(request, found))
        except MpError as error:
            await self._answer(_failure(request, error))

    async def _open_http(self, request: JSONRPCRequest) -> None:
        try:
            port = (request.params or {}).get("port")
            url = await self._host.open_http(port, self._asking)
        except MpError as error:
            await self._answer(_failure(request, error))
        else:
            await self._answer(_success(request, {"url": url}))

    async def _until_it_reads(self) -> None:
        """Who asks on and on without reading must not fill our memory with answers."""
        while self._replies.statistics().tasks_waiting_send > MOST_UNREAD:
            self._written = anyio.Event()
            await self._written.wait()

    async def _write_all(self, replies: Replies) -> None:
        with suppress(anyio.ClosedResourceError):
            async for reply in replies:
                self._writer.write(lines.as_line(reply))
                await self._writer.drain()
                self._written.set()

    async def _answer(self, message: JSONRPCResponse | JSONRPCError | JSONRPCNotification) -> None:
        self._writer.write(lines.as_line(SessionMessage(message)))
        await self._writer.drain()

    async def _refuse_oversize(self) -> None:
        info = UsageError(
            f"The request is too long: at most {LONGEST_LINE:,} bytes fit.",
            hint="Send less at once; `mp load` takes files of any size.",
        ).info()
        error = ErrorData(code=INVALID_REQUEST, message=info.message, data=info.as_dict())
        with suppress(ConnectionError):
            await self._answer(JSONRPCError(jsonrpc="2.0", id=None, error=error))

    def _identity(self) -> dict[str, Any]:
        status = self._host.status()
        return {"version": __version__, "pid": status["pid"]}


def _request(message: SessionMessage | JSONRPCError) -> JSONRPCRequest | None:
    if isinstance(message, SessionMessage) and isinstance(message.message, JSONRPCRequest):
        return message.message
    return None


def _not_started(request: JSONRPCRequest) -> JSONRPCError:
    """Tells a front to ask the next server; nothing was done for this request."""
    data = {"code": LEAVING, "message": "The server is leaving.", "retryable": True}
    error = ErrorData(code=INTERNAL_ERROR, message="The server is leaving.", data=data)
    return JSONRPCError(jsonrpc="2.0", id=request.id, error=error)


def _success(request: JSONRPCRequest, result: dict[str, Any]) -> JSONRPCResponse:
    return JSONRPCResponse(jsonrpc="2.0", id=request.id, result=result)


def _progress(entry: dict[str, Any]) -> JSONRPCNotification:
    """One more call, for a front that follows the history."""
    return JSONRPCNotification(
        jsonrpc="2.0", method="notifications/progress", params={"progressToken": 1, "call": entry}
    )


def _failure(request: JSONRPCRequest, error: MpError) -> JSONRPCError:
    data = ErrorData(code=INVALID_REQUEST, message=error.message, data=error.info().as_dict())
    return JSONRPCError(jsonrpc="2.0", id=request.id, error=data)
