"""A door at a real socket, and raw clients in front of it.

Never waits without a bound.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from mp_mcp.accounts import ServerSettings
from mp_mcp.server import lease
from mp_mcp.server.door import Door
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Home
from mp_mcp.tool import Tool
from tests.unit.server.job_running import runner
from tests.unit.server.talk import META, PATIENCE_S

Message = dict[str, Any]


class Guest:
    """A client that writes lines and reads lines."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._buffered = BufferedByteReceiveStream(stream)

    async def say(self, *lines: bytes) -> None:
        """Send lines as they are."""
        with anyio.fail_after(PATIENCE_S):
            for line in lines:
                await self.stream.send(line + b"\n")

    async def ask(self, number: Any, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a request of ours or, with the modern generation's envelope, of MCP."""
        full = dict(params or {}) | ({} if method.startswith("mp/") else {"_meta": META})
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": full}
        await self.say(json.dumps(message).encode())

    async def ask_call(self, number: Any, tool: str, **arguments: Any) -> None:
        """Send a tool call."""
        await self.ask(number, "tools/call", {"name": tool, "arguments": arguments})

    async def hear(self) -> Message:
        """The server's next message."""
        with anyio.fail_after(PATIENCE_S):
            line = await self._buffered.receive_until(b"\n", 1 << 26)
        message: Message = json.loads(line)
        return message

    async def request(
        self, number: Any, method: str, params: Mapping[str, Any] | None = None
    ) -> Message:
        """Send a request; the next message answers it."""
        await self.ask(number, method, params)
        answer = await self.hear()
        assert answer["id"] == number
        return answer

    async def call(self, number: Any, tool: str, **arguments: Any) -> Message:
        """Call a tool; its structured result."""
        await self.ask_call(number, tool, **arguments)
        answer = await self.hear()
        assert answer["id"] == number
        found: Message = answer["result"]["structuredContent"]
        return found

    async def is_hung_up_on(self) -> bool:
        """Whether the server closed the connection without a further word."""
        with anyio.fail_after(PATIENCE_S):
            try:
                await self._buffered.receive(1)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return True
        return False


class Doorstep:
    """The door, the place to knock, and the reasons for which it was asked to leave."""

    def __init__(self, home: Home, door: Door, reasons: list[str]) -> None:
        self.home = home
        self.door = door
        self.reasons = reasons

    @asynccontextmanager
    async def guest(self) -> AsyncIterator[Guest]:
        """A connected client, that hangs up at exit."""
        stream = await anyio.connect_unix(self.home.socket)
        async with stream:
            yield Guest(stream)

    @asynccontextmanager
    async def greeted(self, **params: Any) -> AsyncIterator[Guest]:
        """A connected client that has said who it is."""
        async with self.guest() as guest:
            assert "result" in await guest.request("hello", "mp/hello", params)
            yield guest

    async def wait_until_alone(self) -> None:
        """Until no client is connected."""
        with anyio.fail_after(PATIENCE_S):
            while self.door.clients():  # noqa: ASYNC110
                await anyio.sleep(0.001)


@asynccontextmanager
async def doorstep(home: Home, tools: Mapping[str, Tool]) -> AsyncIterator[Doorstep]:
    """An open door, closed at exit."""
    reasons: list[str] = []
    found = lease.acquire(home, patience_s=0)
    assert found is not None
    workspaces = Workspaces(home, ServerSettings())
    door = Door(tools, workspaces, runner(workspaces, tools), reasons.append)
    try:
        await door.open(found.bind())
        with anyio.fail_after(4 * PATIENCE_S):
            yield Doorstep(home, door, reasons)
    finally:
        with anyio.fail_after(PATIENCE_S, shield=True):
            await door.close(0)
        found.withdraw()
        found.release()
