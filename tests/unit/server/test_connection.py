import json
import logging
import os
from typing import Any

import anyio
import pytest

from mp_mcp import __version__
from mp_mcp.server import connection, door, requests
from mp_mcp.settings import Home
from mp_mcp.tool import tool
from tests.unit.server.doorstep import doorstep
from tests.unit.server.sample_tools import Said, Waiting, samples, tool_of

pytestmark = pytest.mark.anyio


async def test_a_greeting_is_answered_with_who_serves(home: Home) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        answer = await guest.request("hello", "mp/hello", {"version": __version__})
        assert answer["result"] == {
            "version": __version__,
            "pid": os.getpid(),
            "leaving": False,
            "standing": {"account": None, "project": None},
        }
        assert await guest.call(1, "say_word", word="x") == {"word": "x"}
    assert step.reasons == []


async def test_a_plain_client_needs_no_greeting(home: Home) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        assert await guest.call(1, "say_word", word="x") == {"word": "x"}
        assert step.door.clients() == ["mcp client"]


async def test_each_client_has_the_project_of_its_own_greeting(home: Home) -> None:
    async with (
        doorstep(home, samples()) as step,
        step.greeted(asking={"project_id": "1"}) as one,
        step.greeted(asking={"project_id": "2"}) as two,
    ):
        assert (await one.call(1, "say_word", word="x"))["project"] == "1"
        assert (await two.call(1, "say_word", word="x"))["project"] == "2"


async def test_clients_are_known_by_printable_labels_while_they_are_connected(home: Home) -> None:
    async with doorstep(home, samples()) as step:
        async with step.greeted(label="b\x1b[31m\n\u202e"), step.greeted(label="a" * 500):
            assert step.door.clients() == ["a" * 80, "b[31m"]
            assert step.door.idle_s() == 0
        await step.wait_until_alone()


@pytest.mark.parametrize(
    "params", [{"asking": {"secret": 5}}, {"asking": 5}, {"asking": {"lock_wait_s": "x"}}]
)
async def test_a_malformed_greeting_is_refused_and_lets_nobody_in(home: Home, params: Any) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        answer = await guest.request("hello", "mp/hello", params)
        assert answer["error"]["data"]["code"] in ("settings", "usage")
        assert await guest.is_hung_up_on()
        assert step.door.clients() == []


@pytest.mark.parametrize(
    ("version", "is_newer"),
    [
        ("999.0.0", True),
        ("0.0.1", False),
        (__version__, False),
        (__version__ + "+local", False),
        ("", False),
        ("\u00b2", False),
        ("9" * 5_000, False),
        (5, True),
        (None, False),
    ],
)
async def test_only_a_newer_front_displaces_the_server(
    home: Home, version: Any, is_newer: bool
) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        answer = await guest.request("hello", "mp/hello", {"version": version, "label": "mp"})
        assert answer["result"]["leaving"] is is_newer
        assert [reason[:17] for reason in step.reasons] == ["mp brings the new"] * is_newer


async def test_a_greeting_of_megabytes_is_read_to_the_first_words(home: Home) -> None:
    params = {"version": "0." * 500_000, "label": "x" * 1_000_000}
    async with doorstep(home, samples()) as step, step.greeted(**params):
        assert step.door.clients() == ["x" * 80]


async def test_status_shows_the_running_calls_with_their_arguments(home: Home) -> None:
    waiting = Waiting()
    async with (
        doorstep(home, samples(waiting.tool())) as step,
        step.greeted(label="busy") as busy,
        step.guest() as watcher,
    ):
        await busy.ask_call(1, "wait_forever")
        await waiting.started.wait()
        status = (await watcher.request(1, "mp/status"))["result"]
    (call,) = status["calls"]
    assert call["elapsed_s"] >= 0
    assert {key: call[key] for key in ("client", "tool", "arguments")} == {
        "client": "busy",
        "tool": "wait_forever",
        "arguments": {},
    }
    assert status["pid"] == os.getpid()
    assert status["clients"] == ["busy", "mcp client"]
    assert (status["running"], status["databases"]) == (True, [])
    assert not (home.path / "data").exists()


async def test_a_client_may_ask_the_server_to_stop(home: Home) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        assert (await guest.request(1, "mp/stop"))["result"]["pid"] == os.getpid()
        assert step.reasons == ["asked by a client"]


async def test_an_unknown_request_of_ours_is_refused_by_name(home: Home) -> None:
    async with doorstep(home, samples()) as step, step.greeted() as guest:
        for method in ("mp/dance", "mp/hello"):
            assert method in (await guest.request(1, method))["error"]["message"]


GARBAGE = [
    *(b"", b"   ", b"hello", b"{", b"[]", b"1", b"null", b'"x"', b"\xff\xfe", b"\x00" * 100),
    *(b"{}", b'{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}', b"[" * 10_000),
    b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "tools/list"}',
    b'{"jsonrpc": "2.0", "id": 9, "result": {}}',
    b'[{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]',
]


@pytest.mark.parametrize("is_greeted", [True, False])
async def test_garbage_neither_ends_nor_blocks_a_connection(home: Home, is_greeted: bool) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        if is_greeted:
            await guest.request("hello", "mp/hello")
        for number, line in enumerate(GARBAGE, 100):
            await guest.say(line)
            await guest.ask_call(number, "say_word", word="x")
            while (answer := await guest.hear()).get("id") != number:
                assert "error" in answer
            assert answer["result"]["structuredContent"] == {"word": "x"}


@pytest.mark.parametrize("request_id", [0, -1, 10**30, "", "x", "1", "é\n" * 100])
async def test_an_id_comes_back_as_it_was(home: Home, request_id: Any) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        assert await guest.call(request_id, "say_word", word="x") == {"word": "x"}
        assert "result" in await guest.request(request_id, "mp/status")


@pytest.mark.parametrize("request_id", [None, 1.5, True, {}, [1]])
async def test_an_id_that_is_none_is_refused_and_ends_nothing(home: Home, request_id: Any) -> None:
    async with doorstep(home, samples()) as step, step.guest() as guest:
        for method in ("tools/list", "mp/status", "mp/hello", "server/discover"):
            await guest.ask(request_id, method)
            answer = await guest.hear()
            assert (answer["id"], answer["error"]["code"]) == (None, -32600)
        assert await guest.call(7, "say_word", word="x") == {"word": "x"}


async def test_a_line_over_the_limit_is_refused_and_ends_only_its_own_connection(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LONGEST_LINE", 10_000)
    monkeypatch.setattr(connection, "LONGEST_LINE", 10_000)
    async with doorstep(home, samples()) as step, step.guest() as other:
        for length in (10_001, 100_000):
            async with step.greeted() as guest:
                await guest.say(b"x" * length)
                answer = await guest.hear()
                assert answer["id"] is None
                assert "10,000 bytes" in answer["error"]["message"]
                assert await guest.is_hung_up_on()
        assert await other.call(1, "say_word", word="x" * 9_000) == {"word": "x" * 9_000}


async def test_a_client_that_hangs_up_takes_its_calls_with_it_and_nobody_waits_for_it(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = Waiting()
    async with doorstep(home, samples(waiting.tool())) as step:
        async with step.greeted() as guest:
            await guest.ask_call(1, "wait_forever")
            await waiting.started.wait()
        await waiting.cancelled.wait()
        await step.wait_until_alone()
    assert "gave up" not in caplog.text, "the SDK waited to say goodbye"


async def test_a_client_that_goes_without_reading_is_no_failure(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async with doorstep(home, samples()) as step:
        for method in ("mp/hello", "mp/status", "tools/list", "server/discover"):
            async with step.guest() as guest:
                await guest.ask(1, method)
        async with step.greeted() as guest:
            for number in range(20):
                await guest.ask_call(number, "say_word", word="x" * 100_000)
        async with step.greeted() as guest:
            assert await guest.call(1, "say_word", word="x") == {"word": "x"}
        await step.wait_until_alone()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_client_that_reads_nothing_does_not_slow_another(home: Home) -> None:
    async with doorstep(home, samples()) as step, step.greeted() as deaf, step.greeted() as other:
        for number in range(50):
            await deaf.ask_call(number, "say_word", word="x" * 1_000, times=100)
        assert await other.call(1, "say_word", word="x") == {"word": "x"}
        heard = [await deaf.hear() for _ in range(50)]
    assert {answer["id"] for answer in heard} == set(range(50))
    assert len(json.dumps(heard)) > 5_000_000, "more than any socket buffer"


async def test_a_client_that_asks_on_without_reading_is_not_heard_any_more(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNREAD", 20)
    started = []

    @tool
    async def say_much() -> Said:
        """Say more than fits into the buffers of a few answers."""
        started.append(1)
        return Said(word="x" * 100_000)

    many = 10 * connection.MOST_UNREAD
    tools = samples(tool_of(say_much))
    async with doorstep(home, tools) as step, step.greeted() as deaf, step.greeted() as other:
        for number in range(many):
            await deaf.ask_call(number, "say_much")
        for number in range(many):
            await other.call(number, "say_word", word="x")
        assert connection.MOST_UNREAD <= len(started) < 2 * connection.MOST_UNREAD
        heard = [await deaf.hear() for _ in range(many)]
    assert {answer["id"] for answer in heard} == set(range(many))


async def test_a_front_that_asks_on_without_reading_is_not_heard_any_more(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    async def say_much(*_: Any) -> dict[str, Any]:
        started.append(1)
        return {"much": "x" * 100_000}

    monkeypatch.setitem(requests.ANSWERED, "mp/much", say_much)
    many = 200
    async with doorstep(home, samples()) as step, step.greeted() as deaf, step.greeted() as other:
        for number in range(many):
            await deaf.ask(number, "mp/much")
        for number in range(many):
            await other.call(number, "say_word", word="x")
        assert 0 < len(started) < many // 2
        heard = [await deaf.hear() for _ in range(many)]
    assert {answer["id"] for answer in heard} == set(range(many))


async def test_a_closing_door_waits_for_running_calls_and_then_ends_them(home: Home) -> None:
    waiting = Waiting()
    async with doorstep(home, samples(waiting.tool())) as step, step.greeted() as guest:
        await guest.ask_call(1, "wait_forever")
        await waiting.started.wait()
        with anyio.fail_after(5):
            await step.door.close(grace_s=0.05)
        assert waiting.cancelled.is_set()
        assert await guest.is_hung_up_on()
        assert step.door.clients() == []
