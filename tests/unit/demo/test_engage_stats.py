"""The simulator's numbers about many profiles."""

import json
from statistics import fmean, pvariance
from typing import Any

import httpx
import pytest

from mp_mcp.demo.profiles import COMPANIES, PROFILES
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask

LTV = 'properties["ltv"]'


@pytest.fixture
def stats(ask: Ask) -> Ask:
    """POST an action over the profiles."""

    def send(**form: Any) -> httpx.Response:
        return ask("POST", "/api/query/engage/stats", params={"project_id": "1001"}, data=form)

    return send


def _ltvs(world: World) -> list[float]:
    profiles = [one for one in world.projects["1001"].profiles if one.distinct_id != ""]
    return [one.properties["ltv"] for one in profiles if "ltv" in one.properties]


def test_profiles_are_counted(stats: Ask, world: World) -> None:
    body = stats(action="count()").json()
    assert set(body) == {"results", "status", "computed_at"}
    assert body["results"] == stats().json()["results"] == PROFILES - 1
    team = stats(action="count()", selector='properties["plan"] == "team"').json()["results"]
    profiles = world.projects["1001"].profiles
    assert team == sum(one.properties["plan"] == "team" for one in profiles)
    assert stats(data_group_id=COMPANIES).json()["results"] == 30


def test_numbers_of_a_property_are_summarized(stats: Ask, world: World) -> None:
    ltvs = _ltvs(world)
    extremes = stats(action=f"extremes({LTV})").json()["results"]
    assert extremes == {"min": min(ltvs), "max": max(ltvs)}
    percentile = stats(action=f"percentile({LTV}, 90)").json()["results"]
    assert percentile["percentile"] == 90
    below = sum(one <= percentile["result"] for one in ltvs)
    assert below / len(ltvs) == pytest.approx(0.9, abs=0.01)
    summary = stats(action=f"numeric_summary({LTV})").json()["results"]
    assert summary["count"] == len(ltvs)
    assert summary["mean"] == pytest.approx(fmean(ltvs))
    assert summary["var"] == pytest.approx(pvariance(ltvs))
    assert summary["sum_of_squares"] == pytest.approx(sum(one * one for one in ltvs))


def test_a_property_without_numbers_has_no_extremes(stats: Ask) -> None:
    action = 'extremes(properties["nope"])'
    assert stats(action=action).json()["results"] == {"min": None, "max": None}


def test_cohorts_are_segments(stats: Ask) -> None:
    cohorts = json.dumps({"1001501": True, "1001502": False})
    results = stats(segment_by_cohorts=cohorts).json()["results"]
    inside = stats(filter_by_cohort='{"id": 1001501}').json()["results"]
    outside = PROFILES - 1 - stats(filter_by_cohort='{"id": 1001502}').json()["results"]
    assert results == {"1001501": inside, "1001502": outside}


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "sum(1)"},
        {"action": "extremes(ltv)"},
        {"action": f"percentile({LTV})"},
        {"selector": "plan"},
        {"segment_by_cohorts": '{"1": true}'},
    ],
)
def test_wrong_actions_are_a_bad_request(stats: Ask, asked: dict[str, str]) -> None:
    answer = stats(**asked)
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}
