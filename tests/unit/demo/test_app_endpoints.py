import json
from collections import Counter

import anyio
import httpx

from mp_mcp.demo.app import MixpanelSimulator
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import AUTH, Ask

LIST = "/api/app/projects/1001/bookmarks"


def test_me_shows_what_the_account_may_see(ask: Ask) -> None:
    body = ask("GET", "/api/app/me").json()
    assert body["status"] == "ok"
    project = body["results"]["projects"]["1001"]
    assert (project["timezone"], project["domain"]) == ("UTC", "mixpanel.com")
    assert "id" not in project
    assert list(body["results"]["projects"]) == ["1001"]
    assert body["results"]["workspaces"]["100101"]["project_id"] == 1001
    assert str(project["organization_id"]) in body["results"]["organizations"]


def test_bookmarks_come_all_at_once_in_the_observed_mix(ask: Ask) -> None:
    found = ask("GET", LIST, params={"v": 2}).json()["results"]
    assert Counter(one["type"] for one in found) == {
        "insights": 2059,
        "funnels": 282,
        "retention": 144,
        "flows": 74,
        "launch-analysis": 2,
    }
    assert len({one["id"] for one in found}) == 2561
    assert {one["project_id"] for one in found} == {1001}
    assert found[0]["created"].endswith("T03:04:05")


def test_bookmarks_of_the_data_view_are_the_same(ask: Ask) -> None:
    by_view = ask("GET", "/api/app/workspaces/100101/bookmarks", params={"v": 2})
    assert by_view.json() == ask("GET", LIST, params={"v": 2}).json()
    assert ask("GET", "/api/app/workspaces/999/bookmarks").status_code == 403


def test_bookmarks_can_be_filtered_by_type_and_by_ids(ask: Ask) -> None:
    flows = ask("GET", LIST, params={"v": 2, "type": "flows"}).json()["results"]
    assert {one["type"] for one in flows} == {"flows"}
    ids = [one["id"] for one in flows[:2]]
    found = ask("GET", LIST, params={"ids": ",".join(map(str, ids))}).json()["results"]
    assert [one["id"] for one in found] == ids


def test_the_envelope_can_be_double(ask: Ask, world: World) -> None:
    plain = ask("GET", LIST, params={"type": "flows"}).json()
    world.switches.turn({"bookmarks_envelope": "double"})
    assert ask("GET", LIST, params={"type": "flows"}).json() == {"results": plain}


def test_params_can_be_json_text(ask: Ask, world: World) -> None:
    asked = {"type": "launch-analysis"}
    as_object = ask("GET", LIST, params=asked).json()["results"][0]["params"]
    world.switches.turn({"bookmarks_params": "string"})
    as_text = ask("GET", LIST, params=asked).json()["results"][0]["params"]
    assert json.loads(as_text) == as_object


def test_bookmarks_are_as_slow_as_they_are_told_to_be(world: World) -> None:
    world.switches.turn({"bookmark_delay": 600})

    async def give_up_early() -> bool:
        transport = httpx.ASGITransport(app=MixpanelSimulator(world))
        async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
            with anyio.move_on_after(0.05) as patience:
                await client.get(LIST, auth=AUTH)
        return patience.cancelled_caught

    assert anyio.run(give_up_early)


def test_app_errors_have_the_app_shape(ask: Ask) -> None:
    answer = ask("GET", "/api/app/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"status": "error", "error": "Not found: /api/app/nothing"}
    foreign = ask("GET", "/api/app/projects/2002/bookmarks")
    assert (foreign.status_code, foreign.json()["status"]) == (403, "error")


def test_a_wrong_method_says_what_is_allowed(ask: Ask) -> None:
    answer = ask("PUT", LIST)
    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (405, b"", "GET")
