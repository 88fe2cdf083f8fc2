"""A small simulated Mixpanel in this process. Never opens a socket."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import anyio
import httpx
import pytest

from mp_mcp.demo.app import MixpanelSimulator
from mp_mcp.demo.story import Story
from mp_mcp.demo.world import Clock, Switches, World, make_world

STORY = Story(seed=1, days=12, events_per_day=120, last_day=date(2025, 3, 31))
AUTH = ("demo.svc", "demo-secret")

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Holds the generated data for all tests."""
    return make_world(STORY, tmp_path_factory.mktemp("days"))


@pytest.fixture
def world(first_world: World) -> World:
    """A world of this test: its own switches, faults, limits and log, the same data."""
    return replace(
        first_world, switches=Switches(), clock=Clock(), faults=[], log=deque(maxlen=100)
    )


@pytest.fixture
def ask(world: World) -> Ask:
    """Send one request, by default as the service account of project 1001."""

    def send(method: str, path: str, auth: Any = AUTH, **request: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=MixpanelSimulator(world))
            async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
                return await client.request(method, path, auth=auth, **request)

        return anyio.run(go)

    return send


@pytest.fixture
def query(ask: Ask) -> Ask:
    """GET a query endpoint, with the project."""

    def send(name: str, /, **params: Any) -> httpx.Response:
        return ask("GET", f"/api/query/{name}", params={"project_id": "1001", **params})

    return send


@pytest.fixture
def export(ask: Ask) -> Ask:
    """GET the raw export of the whole story, unless other days are asked."""
    days = {"from_date": str(STORY.first_day), "to_date": str(STORY.last_day)}

    def send(headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        asked = {"project_id": "1001", **days, **params}
        return ask("GET", "/api/2.0/export", params=asked, headers=headers)

    return send
