"""The door: accepts clients at the unix socket and knows who is connected.

Never reads a message (`connection.py` does), and never lets one client wait for another.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio

from mp_mcp import __version__
from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.errors import MpError, ServerUnreachableError, UsageError
from mp_mcp.server import budgets, protocol, resident
from mp_mcp.server.calls import Call
from mp_mcp.server.connection import Connection
from mp_mcp.server.http_door import HttpDoor
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.lease import LONGEST_LINE
from mp_mcp.server.lender import ProjectLender
from mp_mcp.server.private_files import http_token
from mp_mcp.server.session import PLAIN_CLIENT, Greeting, Session
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Asking
from mp_mcp.tool import Tool

logger = logging.getLogger(__name__)


LAST_PORT = 65535
FOR_PEOPLE = 8
"""Places that only `mp` may take, so that a person can see who has the others."""

MOST_SILENT = 128
"""So many may be connected and have said nothing yet; then the first of them has to go."""

LAST_LOOK_S = 0.05
LAST_WORDS_S = 0.5


class Door:
    """Accepts clients from `open` to `close`; `leave(reason)` asks the process to end."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        workspaces: Workspaces,
        jobs: JobRunner,
        leave: Callable[[str], None],
    ) -> None:
        self._tools = tools
        self._workspaces = workspaces
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.Task[None], None] = {}
        self._started = time.monotonic()
        self._last_client = time.monotonic()
        self._sessions: set[Session] = set()
        self._leave = leave
        workspaces.clients = self.clients
        self.is_leaving = False
        self.http: HttpDoor | None = None
        self.http_token: str | None = None
        with suppress(MpError):  # there may be none yet; a closed door opens with the same one
            self.http_token = http_token(workspaces.home, create=False)
        self.resumes_for_people = True
        """Whether a person's command brings enough time to go on with jobs that wait."""
        self.mcp = protocol.build()
        self.jobs = jobs
        self.history = workspaces.history

    async def open(self, listener: socket.socket) -> None:
        """Start to accept."""
        self._listener = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=LONGEST_LINE
        )

    async def admit(self, connected: socket.socket) -> None:
        """Serve a client that is connected already, until it hangs up."""
        await self._accept(*await asyncio.open_connection(sock=connected, limit=LONGEST_LINE))

    def leave(self, reason: str) -> None:
        """Start no more calls, and ask the process to end."""
        self.is_leaving = True
        self._leave(reason)

    def stop(self) -> None:
        """Leave because a person said so: the next server starts without the HTTP door."""
        if self.http is not None:
            self.http.forget()
        self.leave("asked by a client")

    async def open_http(self, port: object, asking: Asking) -> str:
        """Open the HTTP door; its URL. Raises: UsageError, SettingsError."""
        if self.http is None:
            raise UsageError("Only the shared server has an HTTP door.", hint="Unset MP_SERVER.")
        if self.is_leaving:
            raise ServerUnreachableError("The server is leaving.", hint="Try again.")
        # A bool is an int to Python, and true would be port 1.
        if port is not None and not (type(port) is int and 0 <= port <= LAST_PORT):
            raise UsageError(f"A port is a number from 0 to {LAST_PORT}.", hint="Example: 8765")
        return await self.http.open(port, asking)

    async def close(self, grace_s: float) -> None:
        """Accept no more, give running calls a moment, then end every connection."""
        self.is_leaving = True
        if self._listener is not None:
            self._listener.close()
        with anyio.move_on_after(grace_s):
            # A poll, but for two seconds at most, at the end of the process.
            while self.is_busy:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        # What arrived until now is told to go to the next server.
        await anyio.sleep(LAST_LOOK_S)
        if self.http is not None:
            await self.http.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def heard(self) -> None:
        """The client of the current task has said something: from now on it has a place."""
        task = asyncio.current_task()
        if task is not None:
            self._silent.pop(task, None)

    @property
    def is_busy(self) -> bool:
        """Whether a call runs."""
        return any(session.calls for session in self._sessions)

    def require_room(self, greeting: Greeting | None) -> None:
        """Raises: ServerUnreachableError when this client is one too many."""
        if greeting is not None and greeting.only_looks:
            return
        most = self._most_clients()
        is_crowded = len(self._connections) - len(self._silent) > most + FOR_PEOPLE
        is_human = greeting is not None and greeting.is_human
        agents = sum(not session.is_human for session in self._sessions)
        if is_crowded or (not is_human and agents >= most):
            raise ServerUnreachableError(
                f"{most} clients are connected already, as many as may.",
                hint="End some (`mp server status` lists them), or raise max_clients under "
                "[server] in mp.toml and run `mp server stop`.",
            )

    def _most_clients(self) -> int:
        return int(self._workspaces.settings.max_clients)

    def enter(self, greeting: Greeting | None) -> Session:
        """A session for a new client; without a greeting it is a plain MCP client."""
        greeting = greeting or PLAIN_CLIENT
        session = Session(
            self._workspaces, self._tools, greeting, self.jobs, lambda: (self.http_token,)
        )
        self._sessions.add(session)
        if self.resumes_for_people or not session.is_human:
            session.offer_credentials()
        return session

    def check(self, greeting: Greeting) -> None:
        """Raises: UsageError when it chooses tools that do not exist."""
        greeting.choice.check(self._tools)

    def standing_of(self, greeting: Greeting) -> dict[str, Any]:
        """The account and project that its answers will come from; {} when none is usable."""
        lender = ProjectLender(self._workspaces, greeting.asking, AGENT_BOUNDS, self.jobs)
        found = lender.standing().resolved
        return {"account": found.account, "project": found.project_id} if found else {}

    def come_back(self, session: Session) -> None:
        """A client that had left is here again, and knows what it knew."""
        self._sessions.add(session)

    def exit(self, session: Session) -> None:
        """The client is gone."""
        self._sessions.discard(session)
        self._last_client = time.monotonic()

    def clients(self) -> list[str]:
        """Labels of the clients connected now."""
        return sorted(session.label for session in self._sessions)

    def idle_s(self) -> float:
        """Seconds since the last client left or the last job ended; 0 while there is one."""
        if self._connections or self._sessions:
            return 0.0
        return min(time.monotonic() - self._last_client, self.jobs.idle_s())

    def status(self) -> dict[str, Any]:
        """What `mp server status` shows. Never opens the database of a project."""
        return {
            "running": True,
            "pid": os.getpid(),
            "version": __version__,
            "uptime_s": round(time.monotonic() - self._started, 1),
            "memory_bytes": resident.resident_bytes(),
            "http": self.http.url if self.http else None,
            "clients": self.clients(),
            "connected": [session.status() for session in self._in_order()],
            "calls": [call for session in self._in_order() for call in session.running()],
            "jobs": [record.status() for record in self.jobs.running()],
            "databases": self._workspaces.status(),
            "budgets": budgets.of_all(self._workspaces),
            "state": budgets.where_kept(self._workspaces),
        }

    def call(self, number: int) -> Call | None:
        """The running call of this id, whoever made it."""
        return next((s.calls[number] for s in self._sessions if number in s.calls), None)

    def _in_order(self) -> list[Session]:
        return sorted(self._sessions, key=lambda session: session.label)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._connections.add(task)
        self._silent[task] = None
        if len(self._silent) > MOST_SILENT:
            first = next(iter(self._silent))
            del self._silent[first]
            first.cancel()
        try:
            await Connection(self, reader, writer).serve()
        except asyncio.CancelledError:
            # We are leaving, or it was silent. Re-raised, asyncio's callback would report it as a
            # failure.
            logger.debug("connection ended by the server")
        except ConnectionError:
            logger.debug("client hung up")
        except Exception:
            logger.exception("Connection failed")
        finally:
            self._connections.discard(task)
            self._silent.pop(task, None)
            writer.close()
            with suppress(OSError, asyncio.CancelledError), anyio.move_on_after(LAST_WORDS_S):
                await writer.wait_closed()
            # A client that reads nothing must not hold us up.
            writer.transport.abort()
