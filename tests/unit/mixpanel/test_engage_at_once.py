"""Pages of profiles side by side: never more than five, and all or none."""

import anyio
import httpx
import pytest

from mp_mcp.errors import PlanError
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.engage import PAGES_AT_ONCE, ProfilePage, Selection, crawl_profiles
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.models import Target

from .conftest import unspent
from .engaging import entry, form_of, ids, page, taken


class Crowd:
    """A Mixpanel with so many pages; it waits with the first until `expected` are asked for."""

    def __init__(self, pages: int, expected: int, failing: int | None = None) -> None:
        self.pages = pages
        self.most_at_once = 0
        self._expected = expected
        self._failing = failing
        self._waiting: list[int] = []
        self._arrived = anyio.Event()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        number = int(form_of(request)["page"])
        if number == 0:
            return page(entry(0), entry(1), total=2 * self.pages, session_id="s")
        self._waiting.append(number)
        self.most_at_once = max(self.most_at_once, len(self._waiting))
        if len(self._waiting) == self._expected:
            self._arrived.set()
        with anyio.fail_after(10):
            await self._arrived.wait()
        self._waiting.remove(number)
        if number == self._failing:
            return httpx.Response(403, json={"error": "no more"})
        return page(entry(2 * number), entry(2 * number + 1))


@pytest.mark.anyio
async def test_five_pages_are_asked_at_once(target: Target) -> None:
    crowd = Crowd(pages=9, expected=PAGES_AT_ONCE)
    async with make_client(httpx.MockTransport(crowd.answer)) as client:
        pages = await taken(Http(client, target, unspent()))
    assert crowd.most_at_once == PAGES_AT_ONCE
    assert [(one.number, one.total) for one in pages] == [(number, 18) for number in range(9)]
    assert ids(pages) == [f"u-{number}" for number in range(18)]


@pytest.mark.anyio
@pytest.mark.parametrize("failing", [1, 4, 7])
async def test_a_page_that_fails_fails_the_crawl_with_its_error(
    target: Target, failing: int
) -> None:
    crowd = Crowd(pages=9, expected=PAGES_AT_ONCE, failing=failing)
    async with make_client(httpx.MockTransport(crowd.answer)) as client:
        with pytest.raises(PlanError, match="no more"):
            await taken(Http(client, target, unspent()))


@pytest.mark.anyio
async def test_the_next_pages_are_fetched_while_one_is_taken(target: Target) -> None:
    asked: list[int] = []
    all_are_asked = anyio.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(form_of(request)["page"])
        asked.append(number)
        if len(asked) == 1 + PAGES_AT_ONCE:
            all_are_asked.set()
        return page(
            *map(entry, (2 * number, 2 * number + 1)),
            **({} if number else {"total": 12, "session_id": "s"}),
        )

    async def take(one: ProfilePage) -> None:
        if one.number:
            with anyio.fail_after(10):
                await all_are_asked.wait()

    async with make_client(httpx.MockTransport(answer)) as client:
        handle = MixpanelExport(Http(client, target, unspent()))
        await crawl_profiles(handle, Selection(), take)
    assert sorted(asked) == list(range(6))
