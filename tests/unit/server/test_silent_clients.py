"""Who connects and says nothing, at either door, keeps nothing that others need."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import httpx
import pytest
from anyio.abc import SocketStream

from mp_mcp.server import connection, door, http_connection
from mp_mcp.settings import Home
from tests.unit.server.doorstep import doorstep
from tests.unit.server.sample_tools import Waiting, samples
from tests.unit.server.talk import PATIENCE_S
from tests.unit.server.test_http_door import Visitor, http_door

pytestmark = pytest.mark.anyio

HALF_A_REQUEST = (
    b"",
    b"POST /mcp HT",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: y\r\n",
)


@asynccontextmanager
async def knocked(web: httpx.AsyncClient, said: bytes = b"") -> AsyncIterator[SocketStream]:
    """A connection to the HTTP door that has said this."""
    async with await anyio.connect_tcp("127.0.0.1", web.base_url.port or 0) as stream:
        if said:
            await stream.send(said)
        yield stream


async def hung_up(stream: SocketStream) -> bool:
    """Whether the server ends it without a word."""
    with anyio.fail_after(PATIENCE_S):
        try:
            await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return True
    return False


async def test_a_request_that_does_not_arrive_is_not_waited_for(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http_connection, "REQUEST_S", 0.05)
    async with http_door(home) as (step, web):
        token = web.headers["Authorization"].encode()
        head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        half_a_body = head + b"Authorization: " + token + b"\r\n\r\n{"
        for said in (*HALF_A_REQUEST, half_a_body):
            async with knocked(web, said) as stream:
                assert await hung_up(stream), said
        await step.wait_until_alone()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_request_that_has_arrived_may_take_its_time(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "REQUEST_S", 0.05)
    waiting = Waiting()
    async with http_door(home, waiting.tool()) as (_, web), anyio.create_task_group() as tasks:
        tasks.start_soon(Visitor(web, "modern").call, "wait_forever")
        await waiting.started.wait()
        async with knocked(web) as stream:
            assert await hung_up(stream)
        assert not waiting.cancelled.is_set()
        assert await Visitor(web, "modern").call("say_word", word="x") == {"word": "x"}
        tasks.cancel_scope.cancel()


async def test_the_longest_silent_connection_makes_room_for_a_new_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "MOST_CONNECTIONS", 3)
    waiting = Waiting()
    async with (
        http_door(home, waiting.tool()) as (_, web),
        anyio.create_task_group() as tasks,
        AsyncExitStack() as stack,
    ):
        tasks.start_soon(Visitor(web, "modern").call, "wait_forever")
        await waiting.started.wait()
        silent = [await stack.enter_async_context(knocked(web)) for _ in range(20)]
        for stream in silent[:-2]:
            assert await hung_up(stream)
        assert await Visitor(web, "modern").call("say_word", word="x") == {"word": "x"}
        assert not waiting.cancelled.is_set()
        tasks.cancel_scope.cancel()


async def test_the_first_words_at_the_socket_are_not_waited_for_without_end(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FIRST_WORDS_S", 0.05)
    async with doorstep(home, samples()) as step, step.greeted() as greeted:
        for said in (b"", b'{"jsonrpc": "2.0"'):
            async with step.guest() as guest:
                await guest.stream.send(said)
                assert await guest.is_hung_up_on()
        assert await greeted.call(1, "say_word", word="x") == {"word": "x"}


async def test_silent_clients_at_the_socket_take_no_places_and_make_room(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_SILENT", 100)
    async with doorstep(home, samples()) as step, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(step.guest()) for _ in range(150)]
        async with step.greeted() as agent, step.greeted(kind="human") as person:
            for guest in silent[:51]:
                assert await guest.is_hung_up_on()
            assert await agent.call(1, "say_word", word="x") == {"word": "x"}
            assert (await person.request(1, "mp/status"))["result"]["running"]
            assert await silent[-1].call(1, "say_word", word="y") == {"word": "y"}
            assert step.reasons == []


async def test_a_person_who_looks_gets_in_where_all_places_are_taken(home: Home) -> None:
    async with doorstep(home, samples()) as step, AsyncExitStack() as stack:
        for _ in range(step.door._most_clients() + door.FOR_PEOPLE):
            await stack.enter_async_context(step.greeted(kind="human"))
        async with step.guest() as guest:
            refused = await guest.request("hello", "mp/hello", {"kind": "human"})
            assert "clients are connected already" in refused["error"]["message"]
        async with step.guest() as guest:
            agent = {"kind": "agent", "asks": "mp/status"}
            assert "error" in await guest.request("hello", "mp/hello", agent)
        async with step.greeted(kind="human", asks="mp/status") as guest:
            assert (await guest.request(1, "mp/status"))["result"]["running"]
        async with step.greeted(kind="human", asks="mp/stop") as guest:
            assert "result" in await guest.request(1, "mp/stop")
    assert step.reasons == ["asked by a client"]
