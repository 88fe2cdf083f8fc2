from collections import Counter
from typing import Any

import pytest

from mp_mcp.demo.truth import truth_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask

DAYS = {"from_date": str(STORY.first_day), "to_date": str(STORY.last_day)}


def _error(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"request", "error"}
    return answer.status_code, body["error"]


def test_names_are_a_bare_array_in_no_alphabetical_order(query: Ask) -> None:
    names = query("events/names", type="general").json()
    assert "Purchase" in names
    assert "Suporte: Olá 👋" in names
    assert names not in (sorted(names), sorted(names, reverse=True))
    assert len(query("events/names", limit=2).json()) == 2
    assert query("events/names", limit=90_000).status_code == 200


def test_names_outside_the_range_are_absent(query: Ask) -> None:
    days = {"from_date": "2001-01-01", "to_date": "2001-02-01"}
    assert query("events/names", **days).json() == []


def test_years_before_2000_are_bad(query: Ask) -> None:
    answer = query("events/names", from_date="1999-12-31", to_date="2025-01-01")
    assert _error(answer) == (400, "Error in from_date: invalid date, bad year")


def test_a_range_beyond_the_history_window_is_forbidden(query: Ask, world: World) -> None:
    world.switches.turn({"history_days": 90})
    answer = query("events/names", from_date="2024-01-01", to_date="2025-01-01")
    assert _error(answer) == (403, "Date range exceeds 90 days into the past")


def test_the_old_prefix_and_trailing_slashes_reach_the_same_handlers(ask: Ask) -> None:
    asked = {"project_id": "1001"}
    paths = ["/api/query/events/names", "/api/2.0/events/names", "/api/query/events/names/"]
    answers = [ask("GET", path, params=asked).json() for path in paths]
    assert answers[0] == answers[1] == answers[2]


def test_the_error_echoes_the_called_path(ask: Ask) -> None:
    answer = ask("GET", "/api/2.0/segmentation", params={"project_id": "1001"})
    assert answer.json() == {
        "request": "/api/2.0/segmentation?project_id=1001",
        "error": "Missing required parameter: event",
    }


def test_an_unknown_endpoint_is_a_bad_request(query: Ask) -> None:
    assert _error(query("nothing/here")) == (400, "Invalid API endpoint")


def test_a_wrong_method_has_no_body_but_says_what_is_allowed(ask: Ask) -> None:
    answer = ask("DELETE", "/api/query/events/names", params={"project_id": "1001"})
    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (405, b"", "GET")


def test_segmentation_counts_each_event_once(query: Ask, world: World) -> None:
    answer = query("segmentation", event="Login", **DAYS).json()
    truth = truth_of(world.projects["1001"].history, STORY.first_day, STORY.last_day, event="Login")
    assert answer["data"]["values"] == {"Login": dict(truth.by_day)}
    assert answer["legend_size"] == 1
    assert str(STORY.empty_day) in answer["data"]["series"]
    assert str(STORY.empty_day) not in answer["data"]["values"]["Login"]


def test_segmentation_breaks_down_by_an_expression(query: Ask, world: World) -> None:
    answer = query("segmentation", event="Purchase", on='properties["coupon"]', **DAYS).json()
    assert set(answer["data"]["values"]) == {"null", "00042"}
    answer = query("segmentation", event="Purchase", on='properties["experiment"]', **DAYS).json()
    assert set(answer["data"]["values"]) == {"undefined", "control", "one-page checkout"}
    answer = query("segmentation", event="Purchase", on='properties["trial"]', **DAYS).json()
    assert set(answer["data"]["values"]) == {"true", "false"}
    assert answer["legend_size"] == 2


def test_the_limit_keeps_the_top_values(query: Ask, world: World) -> None:
    on = 'properties["mp_country_code"]'
    answer = query("segmentation", event="Page View", on=on, limit=2, **DAYS).json()
    truth = truth_of(
        world.projects["1001"].history,
        STORY.first_day,
        STORY.last_day,
        event="Page View",
        prop="mp_country_code",
    )
    kept = {key: sum(days.values()) for key, days in answer["data"]["values"].items()}
    assert kept == dict(truth.values.most_common(2))


def test_where_filters_the_counted_events(query: Ask, world: World) -> None:
    where = 'properties["amount"] > 50 and properties["mp_country_code"] in ["US", "BR"]'
    answer = query("segmentation", event="Purchase", where=where, **DAYS).json()
    expected: Counter[str] = Counter()
    for day in STORY.days_between(STORY.first_day, STORY.last_day):
        for row in world.projects["1001"].history.counted(day, late=False):
            fits = row.properties.get("amount", 0) > 50
            if row.name == "Purchase" and fits:
                expected[str(day)] += row.properties["mp_country_code"] in ("US", "BR")
    assert answer["data"]["values"]["Purchase"] == {key: n for key, n in expected.items() if n}


@pytest.mark.parametrize(
    ("unit", "key"),
    [
        ("minute", "2025-03-31 00:01:00"),
        ("hour", "2025-03-31 23:00:00"),
        ("day", "2025-03-31"),
        ("week", "2025-03-24"),
        ("month", "2025-03-01"),
    ],
)
def test_buckets_have_the_keys_of_their_unit(query: Ask, unit: str, key: str) -> None:
    asked = {**DAYS, "unit": unit}
    if unit == "minute":
        asked["from_date"] = "2025-03-31"
    answer = query("segmentation", event="Page View", **asked).json()["data"]
    assert key in answer["series"]
    assert set(answer["values"]["Page View"]) <= set(answer["series"])


def test_uniques_and_averages_are_about_users(query: Ask) -> None:
    general, unique, average = (
        query("segmentation", event="Page View", type=kind, unit="month", **DAYS).json()["data"][
            "values"
        ]["Page View"]["2025-03-01"]
        for kind in ("general", "unique", "average")
    )
    assert unique < general
    assert average == pytest.approx(general / unique, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"from_date": "2025-3-1"}, "from_date"),
        ({"from_date": "20250301"}, "from_date"),
        ({"to_date": "soon"}, "to_date"),
        ({"to_date": "2001-01-01"}, "to_date"),
        ({"unit": "year"}, "unit"),
        ({"type": "median"}, "type"),
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"on": "plan"}, "unknown variable"),
        ({"where": 'properties["plan"] and true'}, "boolean"),
        ({"where": 'properties["plan"]'}, "boolean"),
        ({"event": ""}, "event"),
    ],
)
def test_bad_parameters_are_named_in_a_bad_request(
    query: Ask, change: dict[str, str], part: str
) -> None:
    status, error = _error(query("segmentation", **{"event": "Purchase", **DAYS, **change}))
    assert status == 400
    assert part in error


def test_an_unknown_event_is_not_an_error(query: Ask) -> None:
    assert query("segmentation", event="Nope", **DAYS).json()["data"]["values"] == {"Nope": {}}


def test_late_events_are_counted_when_they_have_arrived(query: Ask, world: World) -> None:
    def total() -> int:
        answer = query("segmentation", event="Page View", **DAYS).json()
        return sum(answer["data"]["values"]["Page View"].values())

    before = total()
    world.switches.turn({"late": True})
    assert total() > before
