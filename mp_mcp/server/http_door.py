"""The HTTP door: Streamable HTTP at http://127.0.0.1:PORT/mcp, for clients that speak nothing else.

The same tools and the same state as behind the socket. It never listens beyond loopback, and never
lets a request in without the token (`http_gate.py`).
"""

import json
import logging
import os
import socket
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from mp_mcp.errors import MpError, UsageError
from mp_mcp.server import protocol
from mp_mcp.server.http_gate import PATH, Gate
from mp_mcp.server.http_listener import ADDRESS, bound, web_server
from mp_mcp.server.lease import LONGEST_LINE
from mp_mcp.server.private_files import http_token
from mp_mcp.server.session import Greeting, Session
from mp_mcp.settings import Asking, Home

logger = logging.getLogger(__name__)

MOST_SESSIONS = 512
SESSION_IDLE_S = 1800.0
"""Many clients never say that they go: their sessions are kept for so long, and so many of them."""


class Host(Protocol):
    """What this door needs of the other one."""

    is_leaving: bool
    http_token: str | None

    def enter(self, greeting: Greeting | None) -> Session:
        """A session for this client."""

    def come_back(self, session: Session) -> None:
        """A client that had left is here again."""

    def exit(self, session: Session) -> None:
        """This client is gone."""


class HttpDoor:
    """Closed until `open`; it is open until the server leaves."""

    def __init__(self, host: Host, home: Home, tasks: TaskGroup) -> None:
        self._host = host
        self._home = home
        self._tasks = tasks
        self._opening = anyio.Lock()
        self._closing = anyio.Event()
        self._closed = anyio.Event()
        self._port: int | None = None
        self._asking = Asking()
        self._visitors: dict[str, Session] = {}
        self._visits: Counter[Session] = Counter()

    @property
    def url(self) -> str | None:
        """Where clients find it; None while it is closed."""
        return f"http://{ADDRESS}:{self._port}{PATH}" if self._port else None

    async def open(self, port: int | None, asking: Asking) -> str:
        """Listen at this port, or at the last one, or at any; its URL.

        Who opens the door lends its settings to all who come in: they cannot bring their own.
        Raises: UsageError when the door is open elsewhere; SettingsError when it cannot open.
        """
        async with self._opening:
            if self._port is None:
                last = _remembered(self._home)
                listener = bound(last.port if port is None else port)
                try:
                    self._host.http_token = http_token(self._home, create=True)
                    await self._tasks.start(self._serve, listener, self._host.http_token)
                except BaseException:
                    listener.close()
                    raise
                logger.info("the HTTP door is open: %s", self.url)
            elif port not in (None, 0, self._port):
                raise UsageError(
                    f"The HTTP door is open already: {self.url}.",
                    hint="Use that one, or run `mp server stop` first.",
                )
            self._asking = asking
            self._visitors.clear()
            self._remember(is_open=True)
            return self.url or ""

    async def open_again(self) -> None:
        """Open where the last server had it open, unless it was stopped. Never fails."""
        last = _remembered(self._home)
        if last.is_open:
            try:
                await self.open(last.port, last.asking)
            except MpError as error:
                logger.warning("The HTTP door stays closed: %s", error.message)

    def forget(self) -> None:
        """The next server starts without this door; port and token stay."""
        if self._port:
            self._remember(is_open=False)

    def _remember(self, *, is_open: bool) -> None:
        # Secrets stay in memory. Without those of its opener the door would stand elsewhere.
        has_secrets = bool(self._asking.secret or self._asking.oauth_token)
        asking = self._asking._replace(username=None, secret=None, oauth_token=None).as_dict()
        last = {"port": self._port, "open": is_open and not has_secrets, "asking": asking}
        path = self._home.path / "run" / "http.json"
        partial = path.with_suffix(".part")
        # A full disk: the door works all the same, and the next server does not know of it.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
            opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w", encoding="utf-8") as file:
                file.write(json.dumps(last) + "\n")
            partial.replace(path)

    async def close(self) -> None:
        """End every request and session, and listen no more."""
        self._closing.set()
        if self._port is not None:
            await self._closed.wait()

    async def _serve(
        self, listener: socket.socket, token: str, *, task_status: TaskStatus[None]
    ) -> None:
        mcp = protocol.build()
        mcp.middleware.append(self._with_session)
        # No argument of ours travels in a header. Unasked, the SDK lists all tools for each call.
        mcp.get_tool_input_schema = lambda _: None
        manager = StreamableHTTPSessionManager(
            mcp,
            session_idle_timeout=SESSION_IDLE_S,
            max_sessions=MOST_SESSIONS,
            max_request_body_size=LONGEST_LINE,
        )
        gate = Gate(manager.asgi_app, token, lambda: self._host.is_leaving)
        server = web_server(gate)
        try:
            async with manager.run():
                await server.startup(sockets=[listener])
                self._port = int(listener.getsockname()[1])
                task_status.started()
                await self._closing.wait()
                gate.clear()
        finally:
            with anyio.CancelScope(shield=True):
                if server.started:
                    await server.shutdown(sockets=[listener])
            self._closed.set()

    async def _with_session(self, ctx: Any, call_next: Any) -> Any:
        """Every message: its client's session stands where the socket's door has one by itself."""
        connection = ctx.session._connection
        session: Session | None = connection.state.get("session")
        if session is None:
            label = _label(ctx, connection)
            if connection.session_id is None:
                session = self._visit(label)
                connection.exit_stack.callback(self._end_visit, session)
            else:
                session = self._enter(label)
                connection.exit_stack.callback(self._host.exit, session)
            connection.state["session"] = session
        return await call_next(replace(ctx, lifespan_context=session))

    def _visit(self, label: str) -> Session:
        """Since 2026-07-28 each request stands alone: what its client knows must outlive it."""
        session = self._visitors.pop(label, None)
        if session is None:
            session = self._enter(label)
        else:
            self._host.come_back(session)
        self._visitors[label] = session
        if len(self._visitors) > MOST_SESSIONS:
            del self._visitors[next(iter(self._visitors))]
        self._visits[session] += 1
        return session

    def _enter(self, label: str) -> Session:
        return self._host.enter(Greeting({"label": label, "asking": self._asking.as_dict()}))

    def _end_visit(self, session: Session) -> None:
        self._visits[session] -= 1
        if not self._visits[session]:
            del self._visits[session]
            self._host.exit(session)


def _label(ctx: Any, connection: Any) -> str:
    """What the client calls itself, in the handshake or in each request."""
    known = connection.client_params
    if known is not None:
        name, version = known.client_info.name, known.client_info.version
    else:
        told = (ctx.params or {}).get("clientInfo")
        told = told if isinstance(told, Mapping) else {}
        name, version = told.get("name", "client"), told.get("version", "")
    return f"http {str(name)[:40]} {str(version)[:20]}".strip()


class _Last(NamedTuple):
    """What the last server with this door left: its port, and whether it is to be opened again."""

    port: int = 0
    is_open: bool = False
    asking: Asking = Asking()


def _remembered(home: Home) -> _Last:
    with suppress(OSError, ValueError, TypeError, KeyError, MpError):
        found = json.loads((home.path / "run" / "http.json").read_text(encoding="utf-8"))
        return _Last(int(found["port"]), found["open"] is True, Asking.from_dict(found["asking"]))
    return _Last()
