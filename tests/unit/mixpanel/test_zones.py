"""A project's time zone: asked in the background, named in answers, used for today."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.zones import Zones, clock_of
from mp_mcp.results import Result
from mp_mcp.state import open_state

from .conftest import unspent

pytestmark = pytest.mark.anyio

ME = {
    "status": "ok",
    "results": {"user_id": 9, "projects": {"42": {"name": "Shop", "timezone": "Europe/Lisbon"}}},
}


class Shop:
    """A Mixpanel that knows a zone, or does not; `me` is what it answers about the user."""

    def __init__(self, target: Target, me: Callable[[], Any], **zones: float) -> None:
        self.asked: list[str] = []
        self._me = me
        http = Http(make_client(httpx.MockTransport(self._answer)), target, unspent())
        self.cache = AnswerCache(open_state(Path(":memory:")))
        self.zones = Zones(self.cache, **zones)
        self.transport = http

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if not request.url.path.endswith("/me"):
            return httpx.Response(200, json=["an answer"])
        found = self._me()
        answer: httpx.Response = await found if hasattr(found, "__await__") else found
        return answer

    async def ask(self, *, zoned: bool = True) -> Result:
        """What a tool's result says after one question."""
        mixpanel = Mixpanel(self.transport, cache=self.cache, zones=self.zones)
        with anyio.fail_after(5):
            params = {"n": len(self.asked)}
            await mixpanel.get("query", "/segmentation", params, keep_s=0, zoned=zoned)
        result = Result()
        mixpanel.complete(result)
        return result


async def test_days_of_the_project_are_named_after_its_zone(target: Target) -> None:
    shop = Shop(target, lambda: httpx.Response(200, json=ME))
    assert (await shop.ask()).time_zone == "Europe/Lisbon"
    assert (await shop.ask()).time_zone == "Europe/Lisbon"
    assert shop.asked.count("/api/app/me") == 1


async def test_an_answer_without_days_names_no_zone_and_asks_for_none(target: Target) -> None:
    shop = Shop(target, lambda: httpx.Response(200, json=ME))
    assert (await shop.ask(zoned=False)).time_zone is None
    assert "/api/app/me" not in shop.asked


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, json={"status": "error", "error": "scope"}),
        httpx.Response(404),
        httpx.Response(200, json={"surprise": 1}),
        httpx.Response(200, json={"results": {"user_id": 9, "projects": {}}}),
    ],
)
async def test_an_unknown_zone_does_not_fail_the_call_and_is_not_asked_for_each_time(
    target: Target, answer: httpx.Response
) -> None:
    shop = Shop(target, lambda: answer)
    for _ in range(3):
        assert (await shop.ask()).time_zone is None
    assert shop.asked.count("/api/app/me") == 1


async def test_a_zone_that_takes_long_holds_nothing_up_and_is_known_later(target: Target) -> None:
    let_go = anyio.Event()

    async def late() -> httpx.Response:
        await let_go.wait()
        return httpx.Response(200, json=ME)

    shop = Shop(target, late, patience_s=0)
    assert (await shop.ask()).time_zone is None
    let_go.set()
    assert await shop.zones.ask(shop.transport) == "Europe/Lisbon"
    assert (await shop.ask()).time_zone == "Europe/Lisbon"
    assert shop.asked.count("/api/app/me") == 1


async def test_a_refusal_is_asked_about_again_after_a_while(target: Target) -> None:
    answers = [httpx.Response(403), httpx.Response(200, json=ME)]
    shop = Shop(target, lambda: answers.pop(0), failed_for_s=0)
    assert [(await shop.ask()).time_zone for _ in range(2)] == [None, "Europe/Lisbon"]


async def test_a_mistake_while_learning_does_not_fail_the_answer(target: Target) -> None:
    def mistake() -> httpx.Response:
        raise KeyError("a bug")

    assert (await Shop(target, mistake).ask()).time_zone is None


async def test_nothing_is_asked_any_more_after_the_end(target: Target) -> None:
    async def never() -> httpx.Response:
        await anyio.sleep_forever()
        return httpx.Response(200)

    before = asyncio.all_tasks()
    shop = Shop(target, never, patience_s=0)
    await shop.ask()
    assert asyncio.all_tasks() > before
    with anyio.fail_after(5):
        await shop.zones.close()
        await shop.cache.close()
        await anyio.wait_all_tasks_blocked()
    assert asyncio.all_tasks() == before


async def test_today_is_the_projects_day(target: Target) -> None:
    def me(zone: str) -> httpx.Response:
        projects = {"42": {"name": "Shop", "timezone": zone}}
        return httpx.Response(200, json={"status": "ok", "results": {"projects": projects}})

    async def today(zone: str) -> date:
        shop = Shop(target, lambda: me(zone))
        return await Mixpanel(shop.transport, cache=shop.cache, zones=shop.zones).today()

    # 25 hours apart, so never on one day.
    east, west = await today("Pacific/Kiritimati"), await today("Pacific/Niue")
    assert east > west
    # For an hour of each day UTC has the day between them.
    assert west <= await Mixpanel(Shop(target, lambda: me("")).transport).today() <= east


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../etc/passwd", "\0"])
def test_a_zone_that_nobody_knows_has_the_clock_of_utc(name: str | None) -> None:
    assert clock_of(name).utcoffset(datetime(2025, 7, 1)) == timedelta(0)
    assert clock_of("Asia/Tokyo").utcoffset(datetime(2025, 7, 1)) == timedelta(hours=9)
