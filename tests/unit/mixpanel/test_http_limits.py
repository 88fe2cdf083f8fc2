"""Rate limits as Mixpanel answers them, over the wire, with the budget that hears of it."""

import asyncio

import anyio
import httpx
import pytest

from mp_mcp.errors import RateLimitedError
from mp_mcp.mixpanel.http import CONNECT_TIMEOUT_S, Http, make_client
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.transport import Question

from .conftest import Script, unspent

pytestmark = pytest.mark.anyio

OK = httpx.Response(200, json=["Login"])
NAMES = Question("GET", "query", "/events/names", {})
FULL = httpx.Response(
    429,
    headers={
        "Retry-After": "10",
        "RateLimit-Policy": '"project";q=60;w=3600, "project-concurrency";q=5;'
        'qu="concurrent-requests"',
        "RateLimit": '"project";r=12, "project-concurrency";r=0;t=10',
    },
    json={"error": "Query rate limit exceeded (6/5 queries running concurrently)."},
)


async def test_places_that_others_hold_are_waited_for(script: Script) -> None:
    wire = script(FULL, OK)
    assert await wire.http.ask(NAMES) == ["Login"]
    assert [int(pause) for pause in wire.sleeps] == [10]


async def test_places_that_stay_full_are_told_with_one_time_to_come_back(script: Script) -> None:
    wire = script(FULL)
    with pytest.raises(RateLimitedError, match="6/5 queries running concurrently") as caught:
        await wire.http.ask(NAMES)
    hint = str(caught.value.hint)
    assert hint.startswith("All 5 places for queries at one time are taken by others. Try again in")
    assert (caught.value.retry_after, "10 s" in hint) == (10.0, True)
    assert wire.budget.usage_of("us/42", "query").used == 48


async def test_an_overloaded_mixpanel_is_no_spent_hour(script: Script) -> None:
    shed = httpx.Response(
        429, headers={"Retry-After": "120"}, json={"error": "Query rate limit exceeded."}
    )
    wire = script(shed, OK)
    with pytest.raises(RateLimitedError) as caught:
        await wire.http.ask(NAMES)
    assert caught.value.retry_after == 120
    assert await wire.http.ask(NAMES) == ["Login"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/events/names"), ("POST", "/cohorts/list")])
async def test_each_attempt_costs_its_unit(script: Script, method: str, path: str) -> None:
    wire = script(httpx.Response(503), httpx.Response(500), OK)
    question = Question("POST" if method == "POST" else "GET", "query", path, {})
    assert await wire.http.ask(question) == ["Login"]
    assert wire.budget.usage_of("us/42", "query").used == 3


async def test_a_request_that_never_left_costs_no_unit(script: Script) -> None:
    wire = script(httpx.ConnectError("refused"), OK)
    assert await wire.http.ask(NAMES) == ["Login"]
    assert wire.budget.usage_of("us/42", "query").used == 1


async def test_an_answer_that_does_not_come_in_time_has_cost_its_unit(script: Script) -> None:
    wire = script(httpx.ReadTimeout(""), OK)
    assert await wire.http.ask(NAMES) == ["Login"]
    assert wire.budget.usage_of("us/42", "query").used == 2


async def test_an_export_holds_its_place_until_its_last_byte(script: Script) -> None:
    wire = script(httpx.Response(200, content=b"{}\n"))
    async with wire.http.stream("export", "/export", {}):
        assert wire.budget.usage_of("us/42", "export").running == 1
    assert wire.budget.usage_of("us/42", "export").running == 0


async def test_every_request_says_what_it_takes_and_waits_ten_seconds_for_a_connection(
    script: Script,
) -> None:
    wire = script(OK)
    await wire.http.ask(NAMES)
    (request,) = wire.requests
    assert request.headers["Accept"] == "application/json"
    assert request.extensions["timeout"]["connect"] == CONNECT_TIMEOUT_S == 10.0


async def test_who_goes_away_ends_the_request_and_gives_its_place_back() -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()  # until the other side closes
        gone.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, make_client() as client:
        host, port = server.sockets[0].getsockname()
        target = Target(Credentials("oauth", "tok"), "42", base_url=f"http://{host}:{port}")
        budget = unspent()
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(Http(client, target, budget).ask, NAMES)
                await arrived.wait()
                tasks.cancel_scope.cancel()
            await gone.wait()
        usage = budget.usage_of(target.project_key, "query")
    assert (usage.used, usage.running) == (1, 0)


async def test_the_last_moment_of_a_spent_window_is_not_slept_out(script: Script) -> None:
    wire = script(OK)
    schemas = Question("GET", "app", "/projects/42/schemas", {})
    for _ in range(5):
        await wire.http.ask(schemas)
    wire.budget.ledger.others_spent("us/42", "query", 60, 3)
    for question in (schemas, NAMES):
        with pytest.raises(RateLimitedError) as caught:
            await wire.http.ask(question)
    assert (caught.value.retry_after or 99) <= 3
    assert (len(wire.requests), wire.sleeps) == (5, [])


async def test_a_limit_that_is_not_of_the_project_is_told_as_it_is(script: Script) -> None:
    wire = script(httpx.Response(429, headers={"Retry-After": "120"}, json={"error": "slowly"}))
    with pytest.raises(RateLimitedError) as caught:
        await wire.http.ask(Question("GET", "app", "/projects/42/bookmarks", {}))
    assert caught.value.hint == "Try again in 2 min."
