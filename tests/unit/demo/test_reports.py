"""The simulator's saved reports: found by id, and computed from their params."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from mp_mcp.demo.bookmarks import make_bookmarks
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import AUTH, STORY, Ask
from tests.unit.demo.story_rows import (
    DAYS,
    WHOLE_STORY,
    counted,
    day_of,
    saved,
    user_of,
    week_of,
)

OTHER = ("other.svc", "other-secret")
LAST_30_DAYS = [STORY.last_day - timedelta(days=n) for n in reversed(range(30))]


def _plain_insights(event: str, math: str) -> dict[str, Any]:
    """A saved report of one metric by day, without anything else."""
    for bookmark in make_bookmarks(1001):
        sections = bookmark["params"].get("sections", {})
        if bookmark["type"] == "insights" and len(sections["show"]) == 1:
            show = sections["show"][0]
            found = (show["behavior"]["name"], show["measurement"])
            chart = bookmark["params"]["displayOptions"]["chartType"]
            if found == (event, {"math": math}) and chart == "line" and not sections["group"]:
                return bookmark
    raise LookupError(event)


def _key(day: date) -> str:
    return f"{day}T00:00:00+00:00"


def _show(name: str, math: str = "total", **more: Any) -> dict[str, Any]:
    behavior = {"type": "event", "name": name, "resourceType": "events", "filters": []}
    return {"type": "metric", "behavior": behavior, "measurement": {"math": math}, **more}


def _bookmark(*show: dict[str, Any], chart: str = "line", **sections: Any) -> dict[str, Any]:
    time = {"dateRangeType": "between", "unit": "day", "value": list(DAYS.values())}
    return {
        "sections": {"show": list(show), "time": [time], "filter": [], "group": [], **sections},
        "displayOptions": {"chartType": chart, "analysis": "linear"},
    }


def _post(ask: Ask, bookmark: dict[str, Any], **more: Any) -> Any:
    body = {"project_id": 1001, "bookmark": bookmark, "queryLimits": {"limit": 3000}, **more}
    return ask("POST", "/api/query/insights", json=body)


def _group(name: str) -> dict[str, str]:
    return {"value": name, "propertyName": name, "resourceType": "events"}


def test_a_single_bookmark_is_the_one_of_the_list(ask: Ask, world: World) -> None:
    bookmark = saved("flows")
    for scope in ("projects/1001", "workspaces/100101"):
        answer = ask("GET", f"/api/app/{scope}/bookmarks/{bookmark['id']}", params={"v": 2})
        assert answer.json() == {"status": "ok", "results": bookmark}
    world.switches.turn({"bookmarks_params": "string"})
    answer = ask("GET", f"/api/app/projects/1001/bookmarks/{bookmark['id']}").json()
    assert isinstance(answer["results"]["params"], str)


@pytest.mark.parametrize("bookmark_id", [5, "x", make_bookmarks(2002)[0]["id"]])
def test_an_unknown_bookmark_is_not_found(ask: Ask, query: Ask, bookmark_id: Any) -> None:
    answer = ask("GET", f"/api/app/projects/1001/bookmarks/{bookmark_id}")
    assert (answer.status_code, answer.json()["status"]) == (404, "error")
    answer = query("insights", bookmark_id=bookmark_id)
    assert answer.status_code == 404
    assert set(answer.json()) == {"request", "error"}


def test_neighbouring_bookmarks_show_different_things() -> None:
    for kind, least in {"insights": 8, "funnels": 4, "retention": 3, "flows": 3}.items():
        params = [one["params"] for one in make_bookmarks(1001) if one["type"] == kind]
        assert len({str(one) for one in params}) == least


def test_a_plain_report_counts_each_day_of_the_last_month(query: Ask, world: World) -> None:
    answer = query("insights", bookmark_id=_plain_insights("Purchase", "total")["id"]).json()
    assert set(answer) == {"computed_at", "date_range", "headers", "series", "meta"}
    assert answer["date_range"] == {
        "from_date": _key(LAST_30_DAYS[0]),
        "to_date": f"{STORY.last_day}T23:59:59.999000+00:00",
    }
    assert answer["headers"] == ["$metric"]
    days = [day_of(event) for event in counted(world, "Purchase")]
    assert answer["series"] == {
        "Purchase [Total Events]": {_key(day): days.count(day) for day in LAST_30_DAYS}
    }
    assert answer["meta"]["is_segmentation_limit_hit"] is False


def test_a_report_can_count_users(query: Ask, world: World) -> None:
    answer = query("insights", bookmark_id=_plain_insights("Login", "unique")["id"]).json()
    users = defaultdict(set)
    for event in counted(world, "Login"):
        users[day_of(event)].add(user_of(event))
    assert answer["series"] == {
        "Login [Unique Users]": {_key(day): len(users[day]) for day in LAST_30_DAYS}
    }


def test_a_report_can_be_totals_of_a_property(query: Ask, world: World) -> None:
    bookmark = saved("insights", "amount", "bar")
    answer = query("insights", bookmark_id=bookmark["id"]).json()
    total = sum(event.properties["amount"] for event in counted(world, "Purchase"))
    assert answer["series"] == {"Purchase [Sum of amount]": {"all": pytest.approx(total)}}


def test_a_breakdown_has_values_beside_the_whole(query: Ask, world: World) -> None:
    by_day = query("insights", bookmark_id=saved("insights", "'plan'")["id"]).json()
    assert by_day["headers"] == ["$metric", "plan"]
    series = by_day["series"]["Page View [Total Events]"]
    rows = counted(world, "Page View")
    assert set(series) == {"$overall", *(event.properties["plan"] for event in rows)}
    for day in WHOLE_STORY:
        values = {value: days[_key(day)] for value, days in series.items()}
        assert values.pop("$overall") == sum(values.values())
        assert values["free"] == sum(
            day_of(event) == day and event.properties["plan"] == "free" for event in rows
        )
    total = query("insights", bookmark_id=saved("insights", "Signup", "'bar'")["id"]).json()
    countries = total["series"]["Signup [Unique Users]"]
    signups = counted(world, "Signup")
    assert countries["$overall"] == {"all": len({user_of(event) for event in signups})}
    assert set(countries) == {"$overall"} | {e.properties["mp_country_code"] for e in signups}


def test_a_report_can_have_several_metrics_by_week(query: Ask, world: World) -> None:
    answer = query("insights", bookmark_id=saved("insights", "'week'")["id"]).json()["series"]
    assert set(answer) == {"Login [Total Events]", "Signup [Total Events]"}
    weeks = [_key(week_of(event)) for event in counted(world, "Login")]
    found = {week: count for week, count in answer["Login [Total Events]"].items() if count}
    assert found == {week: weeks.count(week) for week in weeks}


def test_a_report_can_be_filtered(query: Ask, world: World) -> None:
    answer = query("insights", bookmark_id=saved("insights", "'PT'")["id"]).json()["series"]
    amounts = defaultdict(list)
    for event in counted(world, "Purchase"):
        if event.properties["mp_country_code"] in ("BR", "PT"):
            amounts[day_of(event)].append(event.properties["amount"])
    for day in WHOLE_STORY:
        mean = pytest.approx(sum(amounts[day]) / len(amounts[day])) if amounts[day] else None
        assert answer["Purchase [Average of amount]"][_key(day)] == mean


def test_a_formula_stands_for_its_hidden_metrics(query: Ask, world: World) -> None:
    answer = query("insights", bookmark_id=saved("insights", "formula")["id"]).json()["series"]
    viewers = {user_of(event) for event in counted(world, "Page View")}
    buyers = {user_of(event) for event in counted(world, "Purchase")}
    assert answer == {"Buyers": {"all": pytest.approx(len(buyers) / len(viewers) * 100)}}


def test_date_keys_have_the_offset_of_the_project(ask: Ask) -> None:
    bookmark = next(
        one
        for one in make_bookmarks(2002)
        if one["params"] == _plain_insights("Login", "unique")["params"]
    )
    asked = {"project_id": "2002", "bookmark_id": bookmark["id"]}
    answer = ask("GET", "/api/query/insights", params=asked, auth=OTHER).json()
    assert f"{STORY.last_day}T00:00:00-03:00" in answer["series"]["Login [Unique Users]"]
    assert answer["date_range"]["to_date"] == f"{STORY.last_day}T23:59:59.999000-03:00"


@pytest.mark.parametrize("kind", ["flows", "launch-analysis"])
def test_reports_of_other_types_cannot_be_computed_as_insights(query: Ask, kind: str) -> None:
    answer = query("insights", bookmark_id=saved(kind)["id"])
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}


def test_an_asked_report_is_computed_like_a_saved_one(ask: Ask, query: Ask) -> None:
    bookmark = saved("insights", "'plan'")
    answer = _post(ask, bookmark["params"])
    assert answer.json() == query("insights", bookmark_id=bookmark["id"]).json()


def test_an_asked_report_can_have_two_breakdowns(ask: Ask, world: World) -> None:
    groups = [_group("trial"), _group("experiment")]
    answer = _post(ask, _bookmark(_show("Login"), chart="bar", group=groups)).json()
    assert answer["headers"] == ["$metric", "trial", "experiment"]
    series = answer["series"]["Login [Total Events]"]
    rows = counted(world, "Login")
    assert series["$overall"] == {"all": len(rows)}
    trial = [event for event in rows if event.properties["trial"]]
    assert series["true"]["$overall"] == {"all": len(trial)}
    control = [event for event in trial if event.properties.get("experiment") == "control"]
    assert series["true"]["control"] == {"all": len(control)}
    assert set(series["false"]) == {"$overall", "undefined", "control", "one-page checkout"}


def test_too_many_segments_are_cut_and_that_is_told(ask: Ask) -> None:
    bookmark = _bookmark(_show("Login"), chart="bar", group=[_group("plan")])
    answer = _post(ask, bookmark, queryLimits={"limit": 2}).json()
    assert len(answer["series"]["Login [Total Events]"]) == 3
    assert answer["meta"]["is_segmentation_limit_hit"] is True
    refused = _post(ask, bookmark, queryLimits={"limit": 50_001})
    assert refused.status_code == 400
    assert "exceeds max limit of 50000 (50001 was given)" in refused.json()["error"]


@pytest.mark.parametrize(
    ("operator", "wanted", "prop", "passes"),
    [
        ("equals", ["team", "free"], "plan", lambda v: v in ("team", "free")),
        ("does not equal", ["team"], "plan", lambda v: v != "team"),
        ("contains", "e", "plan", lambda v: "e" in v),
        ("does not contain", "e", "plan", lambda v: "e" not in v),
        ("is set", "", "userName", lambda v: v is not None),
        ("is not set", "", "userName", lambda v: v is None),
        ("is equal to", 3, "seats", lambda v: v == 3),
        ("is greater than", 1, "seats", lambda v: v > 1),
        ("is less than", 3, "seats", lambda v: v < 3),
        ("is at least", 3, "seats", lambda v: v >= 3),
        ("is at most", 3, "seats", lambda v: v <= 3),
        ("is between", [2, 12], "seats", lambda v: 2 <= v <= 12),
        ("true", None, "trial", lambda v: v is True),
        ("false", None, "trial", lambda v: v is False),
    ],
)
def test_filters_of_asked_reports(
    ask: Ask, world: World, operator: str, wanted: Any, prop: str, passes: Any
) -> None:
    clause = {"value": prop, "filterOperator": operator, "filterValue": wanted}
    answer = _post(ask, _bookmark(_show("Login"), chart="bar", filter=[clause])).json()
    rows = [event for event in counted(world, "Login") if passes(event.properties.get(prop))]
    assert answer["series"] == {"Login [Total Events]": {"all": len(rows)}}


def test_the_same_metric_twice_is_told_apart_by_letters(ask: Ask) -> None:
    series = _post(ask, _bookmark(_show("Login"), _show("Login"))).json()["series"]
    assert list(series) == ["A. Login [Total Events]", "B. Login [Total Events]"]


@pytest.mark.parametrize(
    "bookmark",
    [
        {},
        {"sections": {}, "displayOptions": {}},
        _bookmark(_show("Login", "guess")),
        _bookmark(_show("Login"), filter=[{"value": "plan", "filterOperator": "resembles"}]),
        _bookmark(_show("Login"), filter=[{"value": "seats", "filterOperator": "is less than"}]),
        _bookmark(_show("Login"), group=[{"value": None}]),
        _bookmark(_show("Login"), time=[{"dateRangeType": "between", "value": ["soon", "later"]}]),
        _bookmark(),
        _bookmark(
            _show("Login"),
            time=[{"dateRangeType": "between", "value": ["2025-01-01", "9999-12-31"]}],
        ),
    ],
)
def test_a_wrong_clause_makes_mixpanel_fail_instead_of_complaining(
    ask: Ask, bookmark: dict[str, Any]
) -> None:
    answer = _post(ask, bookmark)
    assert answer.status_code == 500
    assert answer.json()["error"] == "An unknown error occurred."


def test_an_asked_report_needs_a_bookmark(ask: Ask) -> None:
    answer = ask("POST", "/api/query/insights", json={"project_id": 1001}, auth=AUTH)
    assert answer.status_code == 400
