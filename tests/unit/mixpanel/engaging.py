"""Pages of profiles as Mixpanel sends them, and a crawl that keeps what it gets."""

from typing import Any

import anyio
import anyio.lowlevel
import httpx

from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.engage import ProfilePage, Selection, crawl_profiles
from mp_mcp.mixpanel.http import Http


def entry(number: int) -> dict[str, Any]:
    return {"$distinct_id": f"u-{number}", "$properties": {"plan": "team"}, "extra": 1}


def page(*results: Any, **more: Any) -> httpx.Response:
    return httpx.Response(
        200, json={"status": "ok", "page_size": 2, "results": list(results), **more}
    )


def form_of(request: httpx.Request) -> dict[str, str]:
    return dict(httpx.QueryParams(request.content.decode()))


async def taken(http: Http, **selected: Any) -> list[ProfilePage]:
    """All pages, by number."""
    pages: list[ProfilePage] = []

    async def take(one: ProfilePage) -> None:
        await anyio.lowlevel.checkpoint()
        pages.append(one)

    await crawl_profiles(MixpanelExport(http), Selection(**selected), take)
    return sorted(pages, key=lambda one: one.number)


def ids(pages: list[ProfilePage]) -> list[str]:
    return [profile.distinct_id for one in pages for profile in one.profiles]
