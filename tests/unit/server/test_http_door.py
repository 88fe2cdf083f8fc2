"""The HTTP door over a real socket: who comes in, who is known to be there, and how it ends."""

import json
import logging
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import pytest

from mp_mcp.server.http_door import HttpDoor
from mp_mcp.server.lease import LONGEST_LINE
from mp_mcp.server.private_files import http_token
from mp_mcp.settings import Asking, Home
from mp_mcp.tool import Tool
from tests.unit.server.doorstep import Doorstep, doorstep
from tests.unit.server.sample_tools import Waiting, samples
from tests.unit.server.talk import INITIALIZE, META, PATIENCE_S, Era

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("era", ["legacy", "modern"])
ACCEPT = {"Accept": "application/json, text/event-stream"}


class Visitor:
    """A client of the HTTP door."""

    def __init__(self, web: httpx.AsyncClient, era: Era) -> None:
        self.web = web
        self._era = era
        self._headers: dict[str, str] = {}

    async def shake_hands(self) -> None:
        """Open a session, where the generation has one."""
        if self._era == "legacy":
            answer = await self.post("initialize", INITIALIZE)
            session = answer.headers["mcp-session-id"]
            self._headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}

    async def post(self, method: str, params: dict[str, Any]) -> httpx.Response:
        """One request."""
        headers = dict(self._headers)
        if self._era == "modern":
            params = {**params, "_meta": META}
            headers |= {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
            headers |= {"mcp-name": params["name"]} if "name" in params else {}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.web.post("/mcp", json=message, headers=headers)

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool; its structured result."""
        answer = await self.post("tools/call", {"name": tool, "arguments": arguments})
        assert answer.status_code == 200, answer.text
        line = next(line for line in answer.text.splitlines() if '"jsonrpc"' in line)
        return json.loads(line.removeprefix("data:"))["result"]["structuredContent"]

    async def hang_up(self) -> None:
        """End the session."""
        if self._era == "legacy":
            assert (await self.web.delete("/mcp", headers=self._headers)).status_code == 200


@asynccontextmanager
async def http_door(
    home: Home, *more: Tool, asking: Asking | None = None
) -> AsyncIterator[tuple[Doorstep, httpx.AsyncClient]]:
    """An open HTTP door and somebody who knows its token."""
    async with doorstep(home, samples(*more)) as step, anyio.create_task_group() as tasks:
        door = HttpDoor(step.door, home, tasks)
        step.door.http = door
        url = await door.open(None, asking or Asking())
        token = http_token(home, create=False)
        headers = {**ACCEPT, "Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            base_url=url.removesuffix("/mcp"), headers=headers, timeout=PATIENCE_S
        ) as web:
            yield step, web
        await step.door.close(0)


@ERAS
async def test_tools_are_called_in_both_generations(home: Home, era: Era) -> None:
    async with http_door(home, asking=Asking(project_id="7")) as (_, web):
        visitor = Visitor(web, era)
        await visitor.shake_hands()
        assert await visitor.call("say_word", word="x") == {"word": "x", "project": "7"}


async def test_a_session_is_listed_and_keeps_the_server_busy_until_it_ends(home: Home) -> None:
    async with http_door(home) as (step, web):
        assert step.door.clients() == []
        visitor = Visitor(web, "legacy")
        await visitor.shake_hands()
        assert step.door.clients() == ["http test 1"]
        assert step.door.idle_s() == 0
        await visitor.hang_up()
        await step.wait_until_alone()
        assert step.door.idle_s() > 0


async def test_a_request_without_a_session_is_listed_while_it_runs(home: Home) -> None:
    waiting = Waiting()
    async with http_door(home, waiting.tool()) as (step, web):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Visitor(web, "modern").call, "wait_forever")
            await waiting.started.wait()
            assert await Visitor(web, "modern").call("say_word", word="x") == {"word": "x"}
            assert step.door.clients() == ["http test 1"]
            assert step.door.idle_s() == 0
            tasks.cancel_scope.cancel()
        # The client hung up, so nobody waits for the answer.
        await waiting.cancelled.wait()
        await step.wait_until_alone()


@ERAS
async def test_a_closing_door_ends_running_calls_and_sessions(home: Home, era: Era) -> None:
    waiting = Waiting()
    async with http_door(home, waiting.tool()) as (step, web):
        visitor = Visitor(web, era)
        await visitor.shake_hands()
        answers: list[httpx.Response] = []

        async def ask() -> None:
            call = {"name": "wait_forever", "arguments": {}}
            answers.append(await visitor.post("tools/call", call))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await waiting.started.wait()
            await step.door.close(0)
        await waiting.cancelled.wait()
        assert step.door.clients() == []
        with pytest.raises(httpx.ConnectError):
            await web.get("/mcp")


async def test_a_leaving_server_starts_nothing_more(home: Home) -> None:
    async with http_door(home) as (step, web):
        step.door.is_leaving = True
        answer = await web.post("/mcp", content=b"{}")
        assert answer.status_code == 503
        assert answer.json()["error"]["data"]["retryable"] is True


async def test_wrong_headers_are_refused_with_a_reason(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_door(home) as (_, web):
        token = web.headers["Authorization"].removeprefix("Bearer ")
        for status, headers in [
            (401, {"Authorization": ""}),
            (401, {"Authorization": "Bearer"}),
            (401, {"Authorization": f"Bearer {token}x"}),
            (401, {"Authorization": f"Bearer {token[:-1]}"}),
            (401, {"Authorization": f"Basic {token}"}),
            (401, {"Authorization": "Bearer \u00e9"}),
            (401, {"Authorization": f"Bearer {token}, Bearer x"}),
            (421, {"Host": "mixpanel.example"}),
            (421, {"Host": "127.0.0.1.example"}),
            (421, {"Host": "localhost@example"}),
            (421, {"Host": ""}),
            (403, {"Origin": "https://mixpanel.example"}),
            (403, {"Origin": "null"}),
            (403, {"Origin": ""}),
            (403, {"Origin": "http://localhost.example"}),
            (403, {"Origin": "file://localhost"}),
        ]:
            sent = {k.encode(): v.encode("latin-1") for k, v in headers.items()}
            answer = await web.post("/mcp", content=b"{}", headers=sent)
            assert answer.status_code == status, headers
            assert answer.json()["error"]["data"]["hint"]
            assert token not in answer.text + str(answer.headers)
        assert token not in caplog.text
        here = {"Host": "LOCALHOST:1", "Origin": "http://localhost:6274"}
        assert (await web.post("/mcp", content=b"{}", headers=here)).status_code == 400
        assert (await web.get("/.well-known/oauth-protected-resource")).status_code == 404


async def test_every_method_needs_the_token(home: Home) -> None:
    async with http_door(home) as (_, web):
        del web.headers["Authorization"]
        for method in ("GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD", "PATCH"):
            answer = await web.request(method, "/mcp")
            assert answer.status_code == 401, method
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_doubled_header_lets_nobody_in(home: Home) -> None:
    async with http_door(home) as (_, web):
        token = web.headers.pop("Authorization")
        twice = [("Authorization", token), ("Authorization", token)]
        assert (await web.post("/mcp", content=b"{}", headers=twice)).status_code == 401


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_a_request_over_the_limit_is_refused_in_json(home: Home, declared: bool) -> None:
    body = b"x" * (LONGEST_LINE + 1)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    async with http_door(home) as (_, web):
        answer = await web.post("/mcp", content=body if declared else pieces())
        assert answer.status_code == 413
        assert f"{LONGEST_LINE:,} bytes" in answer.json()["error"]["message"]
        long = '{"word": "' + "x" * (LONGEST_LINE // 2) + '"}'
        assert (await web.post("/mcp", content=long)).status_code != 413


GARBAGE = (
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # somebody speaks TLS
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}\n',
    b"POST /mcp HTTP/1.1\r\n\r\n",
    b"POST /mcp HTTP/1.0\r\n\r\n",
    b"POST /mcp HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET http://mixpanel.example/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)


async def test_garbage_is_refused_and_disturbs_nobody(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async with http_door(home) as (step, web):
        for garbage in GARBAGE:
            async with await anyio.connect_tcp("127.0.0.1", web.base_url.port or 0) as stream:
                await stream.send(garbage)
                await stream.send_eof()
                heard = b""
                with anyio.fail_after(PATIENCE_S), suppress(anyio.EndOfStream):
                    while True:
                        heard += await stream.receive()
            assert b" 200 " not in heard, garbage
            assert b"Traceback" not in heard, garbage
        assert await Visitor(web, "modern").call("say_word", word="x") == {"word": "x"}
        await step.wait_until_alone()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_the_door_listens_on_loopback_only(home: Home) -> None:
    async with http_door(home) as (step, _):
        assert step.door.http is not None
        assert (step.door.http.url or "").startswith("http://127.0.0.1:")


async def test_its_files_are_for_the_owner_only_and_hold_no_account(home: Home) -> None:
    asking = Asking(username="who", secret="s3cret", oauth_token="t0ken", project_id="7")
    async with http_door(home, asking=asking):
        pass
    for name in ("http.token", "http.json"):
        assert stat.S_IMODE((home.run / name).stat().st_mode) == 0o600
    kept = (home.run / "http.json").read_text(encoding="utf-8")
    assert json.loads(kept)["asking"] == {"project_id": "7", "lock_wait_s": 5.0}
    assert json.loads(kept)["open"] is False, "without the secret it would stand elsewhere"


@pytest.mark.parametrize("port", [True, False, -1, 65536, 1.0, "8765", [1]])
async def test_a_port_that_is_no_number_of_a_port_is_refused(home: Home, port: Any) -> None:
    async with http_door(home) as (step, _), step.greeted(kind="human") as guest:
        refused = await guest.request(1, "mp/http", {"port": port})
        assert "number from 0 to 65535" in refused["error"]["message"]
