"""The simulator's saved cohorts, and that their counts are true."""

from typing import Any

from mp_mcp.demo.profiles import COMPANIES
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask

COHORTS = "/api/app/projects/1001/cohorts"


def _listed(ask: Ask, method: str = "POST") -> dict[str, dict[str, Any]]:
    answer = ask(method, "/api/query/cohorts/list", params={"project_id": "1001"})
    return {one["name"]: one for one in answer.json()}


def test_cohorts_are_a_bare_array_for_post_and_for_get(ask: Ask) -> None:
    assert _listed(ask) == _listed(ask, "GET")
    one = _listed(ask)["Team plan"]
    assert (one["id"], one["project_id"], one["is_visible"]) == (1001501, 1001, 1)
    assert one["created"] == "2024-05-26 11:22:33"
    assert _listed(ask)["Nobody"] | {"id": 0} == {
        **one,
        "id": 0,
        "name": "Nobody",
        "count": 0,
        "created": "2024-05-02 11:22:33",
        "is_visible": 0,
    }


def test_counts_are_those_of_the_profiles_and_events(ask: Ask, world: World) -> None:
    project = world.projects["1001"]
    counts = {name: one["count"] for name, one in _listed(ask).items()}
    profiles = [one.properties for one in project.profiles if one.distinct_id != ""]
    assert counts["Team plan"] == sum(one["plan"] == "team" for one in profiles)
    assert counts["Brasil 🇧🇷"] == sum(one["$country_code"] == "BR" for one in profiles)
    buyers = {
        row.properties["distinct_id"]
        for day in STORY.days_between(STORY.first_day, STORY.last_day)
        for row in project.history.counted(day, late=False)
        if row.name == "Purchase"
    }
    assert counts["Buyers"] == len(buyers - {""})
    assert counts["Imported leads"] == 9


def test_a_cohort_of_a_group_has_its_id(ask: Ask) -> None:
    assert _listed(ask)["Big companies"]["data_group_id"] == COMPANIES
    found = ask("GET", COHORTS, params={"data_group_id": str(COMPANIES)}).json()["results"]
    assert [one["name"] for one in found] == ["Big companies"]


def test_the_app_lists_and_reads_the_same_cohorts(ask: Ask, world: World) -> None:
    body = ask("GET", COHORTS).json()
    assert body["status"] == "ok"
    assert {one["name"]: one["count"] for one in body["results"]} == {
        name: one["count"] for name, one in _listed(ask).items()
    }
    some = ask("GET", COHORTS, params={"ids": "1001501,1001503"}).json()["results"]
    assert [one["name"] for one in some] == ["Team plan", "Buyers"]
    assert ask("GET", f"{COHORTS}/1001503").json() == {"status": "ok", "results": some[1]}
    missing = ask("GET", f"{COHORTS}/1")
    assert (missing.status_code, missing.json()["status"]) == (404, "error")
    # Only the list of the query API costs units.
    assert world.limits.used() == {"1001": {"query": 1}}
