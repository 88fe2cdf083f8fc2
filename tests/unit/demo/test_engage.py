"""The simulator's pages of profiles, and which profiles a question is about."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from mp_mcp.demo.profiles import COMPANIES, PROFILES
from mp_mcp.demo.values import text_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask

ENGAGE = "/api/query/engage"
TEAM = 'properties["plan"] == "team"'


@pytest.fixture
def engage(ask: Ask) -> Ask:
    """POST a form, as it is documented."""

    def send(**form: Any) -> httpx.Response:
        return ask("POST", ENGAGE, params={"project_id": "1001"}, data=form)

    return send


def _ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [text_of(one["$distinct_id"]) for one in answer.json()["results"]]


def _plan(world: World, plan: str) -> set[str]:
    profiles = world.projects["1001"].profiles
    found = {text_of(one.distinct_id) for one in profiles if one.properties["plan"] == plan}
    return found - {""}


def test_the_first_page_tells_the_total_and_the_session(engage: Ask) -> None:
    body = engage().json()
    keys = ["status", "page", "page_size", "session_id", "total", "results"]
    assert list(body) == keys
    assert (body["status"], body["page"], body["page_size"]) == ("ok", 0, 1000)
    assert body["total"] == PROFILES - 1 > 2500
    assert len(body["results"]) == 1000
    assert set(body["results"][0]) == {"$distinct_id", "$properties"}


def test_all_pages_of_a_session_are_every_profile_once(engage: Ask, world: World) -> None:
    first = engage(where="true").json()
    ids = [text_of(one["$distinct_id"]) for one in first["results"]]
    for page in range(1, 4):
        answer = engage(where="true", page=page, session_id=first["session_id"])
        assert answer.json()["session_id"] == first["session_id"]
        assert "total" not in answer.json()
        ids += _ids(answer)
    assert answer.json()["results"] == []
    assert len(ids) == len(set(ids)) == first["total"]
    # Only the first page costs a unit.
    assert world.limits.used() == {"1001": {"query": 1}}


def test_pages_may_be_asked_in_any_order(engage: Ask) -> None:
    first = engage().json()
    one, other = (engage(page=2, session_id=first["session_id"]).json() for _ in range(2))
    assert one == other


@pytest.mark.parametrize(
    "asked",
    [
        {"page": 1},
        {"page": 1, "session_id": "1735732800-nope00"},
        {"page": -1},
        {"page": "x"},
    ],
)
def test_a_page_needs_its_session(engage: Ask, asked: dict[str, Any]) -> None:
    answer = engage(**asked)
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}


def test_another_query_does_not_fit_to_the_session(engage: Ask) -> None:
    session_id = engage(where=TEAM).json()["session_id"]
    answer = engage(where="true", page=1, session_id=session_id)
    assert answer.status_code == 400
    assert "request for page in uncached query for params" in answer.json()["error"]


def test_the_page_size_is_not_the_client_s_choice(engage: Ask, world: World) -> None:
    assert engage(page_size=250).json()["page_size"] == 1000
    world.switches.turn({"engage_page_size": 7})
    body = engage(page_size=250).json()
    assert (body["page_size"], len(body["results"])) == (7, 7)


def test_form_json_and_query_string_mean_the_same(ask: Ask, world: World) -> None:
    asked = {"where": TEAM, "output_properties": json.dumps(["$email", "plan"])}
    native = {"where": TEAM, "output_properties": ["$email", "plan"], "page": 0}
    project = {"project_id": "1001"}
    answers = [
        ask("POST", ENGAGE, params=project, data=asked),
        ask("POST", ENGAGE, params=project, json=asked),
        ask("POST", ENGAGE, json={**native, "project_id": 1001}),
        ask("POST", f"{ENGAGE}?{urlencode({**project, **asked})}"),
        ask("GET", "/api/2.0/engage/", params={**project, **asked}),
    ]
    results = [answer.json()["results"] for answer in answers]
    assert all(one == results[0] for one in results)
    assert {text_of(one["$distinct_id"]) for one in results[0]} == _plan(world, "team")
    assert all(set(one["$properties"]) <= {"$email", "plan"} for one in results[0])


def test_ids_may_be_one_or_many_texts_or_numbers(engage: Ask, ask: Ask) -> None:
    assert _ids(engage(distinct_id="u-1001")) == ["u-1001"]
    assert _ids(engage(distinct_ids='["u-1003", "700017", "nobody"]')) == ["u-1003", "700017"]
    body = {"project_id": 1001, "distinct_ids": [700017, "u-1001"]}
    found = ask("POST", ENGAGE, json=body).json()["results"]
    assert [one["$distinct_id"] for one in found] == ["u-1001", 700017]
    assert engage(distinct_ids=json.dumps(["x"] * 2001)).status_code == 400
    empty = engage(distinct_id="nobody").json()
    assert (empty["total"], empty["results"]) == (0, [])


def test_an_old_visitor_may_have_an_empty_id(engage: Ask, world: World) -> None:
    assert "" not in _ids(engage())
    world.switches.turn({"blank_profile": True})
    assert "" in _ids(engage())


def test_times_have_no_zone(engage: Ask) -> None:
    (one,) = engage(distinct_id="u-1000").json()["results"]
    assert one["$properties"]["$last_seen"] == "2025-03-31T08:01:02"
    assert len(one["$properties"]["$created"]) == len("2025-03-31T08:01:02")
    found = engage(where='properties["$last_seen"] >= "2025-03-31T00:00:00"')
    assert 0 < len(_ids(found)) < 1000


def test_members_of_a_cohort_come_with_or_without_a_profile(engage: Ask) -> None:
    cohort = json.dumps({"id": 1001504})
    found = engage(filter_by_cohort=cohort).json()
    assert found["total"] == 9
    empty = [one["$distinct_id"] for one in found["results"] if not one["$properties"]]
    assert empty == [f"lead-{number}" for number in range(7)]
    as_text = json.dumps({"id": "1001504"})
    known = engage(filter_by_cohort=as_text, include_all_users="false")
    assert _ids(known) == ["u-1000", "u-1001"]
    assert _ids(engage(filter_by_cohort=cohort, where="true")) == _ids(
        engage(filter_by_cohort=cohort)
    )


def test_a_cohort_by_expression_is_the_filter_with_it(engage: Ask) -> None:
    assert _ids(engage(filter_by_cohort='{"id": 1001501}')) == _ids(engage(where=TEAM))
    assert engage(filter_by_cohort='{"id": 1}').status_code == 400


def test_behaviors_count_what_users_did(engage: Ask, world: World) -> None:
    behavior = {"window": "30d", "name": "b1", "event_selectors": [{"event": "Purchase"}]}
    asked = {"behaviors": json.dumps([behavior]), "where": '(behaviors["b1"] > 0)'}
    buyers = {
        text_of(row.properties["distinct_id"])
        for day in STORY.days_between(STORY.first_day, STORY.last_day)
        for row in world.projects["1001"].history.counted(day, late=False)
        if row.name == "Purchase"
    }
    assert set(_ids(engage(**asked))) == buyers - {""}
    never = engage(behaviors=asked["behaviors"], where='behaviors["b1"] == 0').json()
    assert never["total"] == PROFILES - 1 - len(buyers - {""})
    early = {**asked, "as_of_timestamp": 1742515200}
    assert set(_ids(engage(**early))) < buyers
    assert engage(**asked, filter_by_cohort='{"id": 1001501}').status_code == 400
    wrong = json.dumps([{**behavior, "window": "soon"}])
    assert engage(behaviors=wrong).status_code == 400


def test_pages_of_behaviors_need_a_fixed_time(engage: Ask) -> None:
    behavior = {"window": "30d", "name": "b1", "event_selectors": [{"event": "Purchase"}]}
    asked = {"behaviors": json.dumps([behavior]), "where": 'behaviors["b1"] == 0'}
    session_id = engage(**asked).json()["session_id"]
    answer = engage(**asked, page=1, session_id=session_id)
    assert "uncached query" in answer.json()["error"]
    fixed = {**asked, "as_of_timestamp": 1743422400}
    session_id = engage(**fixed).json()["session_id"]
    assert engage(**fixed, page=1, session_id=session_id).status_code == 200


def test_a_group_is_asked_by_its_negative_number(engage: Ask) -> None:
    body = engage(data_group_id=COMPANIES).json()
    assert body["total"] == 30
    assert body["results"][0]["$distinct_id"] == "company-0"
    assert engage(data_group_id=5).json()["total"] == 0
    assert engage(data_group_id="companies").status_code == 400


def test_profiles_are_sorted_and_limited(engage: Ask) -> None:
    asked = {"sort_key": 'properties["ltv"]', "sort_order": "descending"}
    top = engage(**asked, limit=20).json()
    amounts = [one["$properties"]["ltv"] for one in top["results"]]
    assert amounts == sorted(amounts, reverse=True)
    assert (top["total"], len(amounts)) == (20, 20)
    session_id = engage(**asked).json()["session_id"]
    last = engage(**asked, page=2, session_id=session_id).json()["results"]
    assert "ltv" not in last[-1]["$properties"]
    assert engage(sort_key='properties["ltv"]', sort_order="down").status_code == 400


def test_the_search_looks_at_ids_and_some_properties(engage: Ask) -> None:
    assert _ids(engage(search="U-1003@EXAMPLE")) == ["u-1003"]
    assert len(_ids(engage(search="łukasz"))) > 10


@pytest.mark.parametrize(
    "asked",
    [
        {"where": "plan"},
        {"where": 'properties["plan"]'},
        {"filter_by_cohort": "5"},
        {"filter_by_cohort": "{"},
        {"output_properties": "plan"},
        {"include_all_users": "maybe", "filter_by_cohort": '{"id": 1001501}'},
    ],
)
def test_bad_parameters_are_a_bad_request(engage: Ask, asked: dict[str, str]) -> None:
    answer = engage(**asked)
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}


def test_properties_have_counts_and_types(query: Ask, world: World) -> None:
    results = query("engage/properties").json()["results"]
    profiles = [one.properties for one in world.projects["1001"].profiles if one.distinct_id != ""]
    assert results["ltv"] == {"count": sum("ltv" in one for one in profiles), "type": "number"}
    types = {name: one["type"] for name, one in results.items()}
    assert {types[name] for name in ("$email", "trial", "tags", "renewal", "nps")} == {
        "string",
        "boolean",
        "list",
        "datetime",
        "unknown",
    }
    assert "employees" in query("engage/properties", data_group_id=COMPANIES).json()["results"]


def test_profiles_can_be_changed_added_and_deleted(engage: Ask, ask: Ask, world: World) -> None:
    edits = {"u-1001": {"plan": "gone"}, "new": {"plan": "gone"}, "u-1003": None}
    try:
        ask("POST", "/_sim/profiles", json={"profiles": edits})
        assert _ids(engage(where='properties["plan"] == "gone"')) == ["u-1001", "new"]
        assert _ids(engage(filter_by_cohort='{"id": 1001505}')) == ["u-1001", "new"]
        assert _ids(engage(distinct_id="u-1003")) == []
        known = ask("GET", "/_sim/profiles").json()["profiles"]
        assert (known["new"], "u-1003" in known, "" in known) == ({"plan": "gone"}, False, False)
    finally:
        world.projects["1001"].forget_edits()


def test_the_total_can_be_missing(engage: Ask, world: World) -> None:
    world.switches.turn({"engage_total": False})
    assert "total" not in engage().json()
