"""An MCP client over streams in memory, in either generation, without the SDK's own client.

Never waits without a bound: every answer has to come within a few seconds.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
from mcp.shared._context_streams import create_context_streams
from mcp.shared.message import SessionMessage

from mp_mcp.accounts import ServerSettings
from mp_mcp.server import lines, protocol
from mp_mcp.server.session import Greeting, Session
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Home
from mp_mcp.tool import Tool
from tests.unit.server.job_running import runner

PATIENCE_S = 5
Era = Literal["legacy", "modern"]
Message = dict[str, Any]

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


class Talk:
    """The client's side of one connection."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._next_id = 0
        self._answers: dict[Any, Message] = {}
        self._news = anyio.Event()
        self.era: Era = "modern"
        self.notes: list[Message] = []

    async def shake_hands(self, era: Era) -> Message:
        """Choose the generation; the server's first answer."""
        self.era = era
        if era == "modern":
            return await self.request("server/discover")
        answer = await self.request("initialize", INITIALIZE)
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    async def send(self, message: Message) -> None:
        """Send one message as it is."""
        await self._send.send(lines.parsed(json.dumps(message).encode()))

    async def start(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request; its id."""
        self._next_id += 1
        full = dict(params or {})
        if self.era == "modern":
            full["_meta"] = META | full.get("_meta", {})
        await self.send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": full})
        return self._next_id

    async def wait(self, number: Any) -> Message:
        """The answer to a request."""
        with anyio.fail_after(PATIENCE_S):
            while number not in self._answers:
                await self._news.wait()
        return self._answers.pop(number)

    async def wait_for_notes(self, count: int) -> list[Message]:
        """So many notifications, at least."""
        with anyio.fail_after(PATIENCE_S):
            while len(self.notes) < count:
                await self._news.wait()
        return self.notes

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Message:
        """Send a request and wait for its answer."""
        return await self.wait(await self.start(method, params))

    async def call(self, tool: str, *, token: Any = None, **arguments: Any) -> Message:
        """Call a tool; its result."""
        answer = await self.wait(await self.start_call(tool, token=token, **arguments))
        result: Message = answer["result"]
        return result

    async def start_call(self, tool: str, *, token: Any = None, **arguments: Any) -> int:
        """Start a tool call, with a progress token if one is given."""
        params: Message = {"name": tool, "arguments": arguments}
        if token is not None:
            params["_meta"] = {"progressToken": token}
        return await self.start("tools/call", params)

    async def listen(self, replies: Any) -> None:
        """Sort what the server says."""
        async for reply in replies:
            message = json.loads(lines.as_line(reply))
            if "id" in message:
                assert message["id"] not in self._answers, "answered twice"
                self._answers[message["id"]] = message
            else:
                self.notes.append(message)
            self._news.set()
            self._news = anyio.Event()


@asynccontextmanager
async def talking(
    home: Home, tools: Mapping[str, Tool], *, kind: str = "agent", choice: Message | None = None
) -> AsyncIterator[Talk]:
    """A connection to a server of these tools, ended at exit as a client does."""
    workspaces = Workspaces(home, ServerSettings())
    greeting = Greeting({"kind": kind, "label": "test", **(choice or {"toolsets": ["all"]})})
    session = Session(workspaces, tools, greeting, runner(workspaces, tools))
    send, read = create_context_streams[SessionMessage | Exception](0)
    write, replies = create_context_streams[SessionMessage](0)
    talk = Talk(send)
    with anyio.fail_after(4 * PATIENCE_S):
        async with read, write, replies, anyio.create_task_group() as tasks:
            listener = anyio.CancelScope()

            async def listen() -> None:
                with listener:
                    await talk.listen(replies)

            async def serve() -> None:
                await protocol.serve(protocol.build(), session, read, write)
                listener.cancel()

            tasks.start_soon(listen)
            tasks.start_soon(serve)
            yield talk
            await send.aclose()
