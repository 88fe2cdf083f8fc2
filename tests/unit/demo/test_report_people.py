"""The simulator's saved funnels and retention, as insights answers them."""

from typing import Any

import pytest

from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask
from tests.unit.demo.story_rows import DAYS, saved

FUNNEL = saved("funnels", "Search")
BROKEN_DOWN_FUNNEL = saved("funnels", "hour")
RETENTION = saved("retention", "Signup", "Login")
BROKEN_DOWN_RETENTION = saved("retention", "mp_country_code")


def _series(query: Ask, bookmark: dict[str, Any]) -> dict[str, Any]:
    answer = query("insights", bookmark_id=bookmark["id"]).json()
    (label,) = answer["series"]
    found: dict[str, Any] = answer["series"][label]
    return {"label": label, "headers": answer["headers"], "tree": found}


def _counts(tree: dict[str, Any]) -> list[int]:
    return [step["all"] for step in tree["count"].values()]


def test_a_funnel_report_has_the_numbers_of_the_funnel(query: Ask) -> None:
    report = _series(query, FUNNEL)
    assert (report["label"], report["headers"]) == ("Page View through Purchase", ["$funnel"])
    native = query("funnels", funnel_id=FUNNEL["id"], unit="month", **DAYS).json()
    steps = native["data"]["2025-03-01"]["steps"]
    for kind, numbers in report["tree"].items():
        assert list(numbers) == ["1. Page View", "2. Search", "3. Purchase"]
        assert [number["all"] for number in numbers.values()] == [step[kind] for step in steps]
    assert set(report["tree"]) == {
        "count",
        "step_conv_ratio",
        "overall_conv_ratio",
        "avg_time",
        "avg_time_from_start",
    }


def test_a_funnel_report_can_be_broken_down(query: Ask) -> None:
    report = _series(query, BROKEN_DOWN_FUNNEL)
    assert report["headers"] == ["$funnel", "plan"]
    asked = {"funnel_id": BROKEN_DOWN_FUNNEL["id"], "unit": "month", **DAYS}
    native = query("funnels", on='properties["plan"]', **asked).json()["data"]["2025-03-01"]
    assert {value: _counts(tree) for value, tree in report["tree"].items()} == {
        value: [step["count"] for step in steps] for value, steps in native.items()
    }


def test_a_funnel_that_is_drawn_as_lines_has_dates(query: Ask, ask: Ask) -> None:
    params = {**FUNNEL["params"], "displayOptions": {"chartType": "line"}}
    body = {"project_id": 1001, "bookmark": params}
    series = ask("POST", "/api/query/insights", json=body).json()["series"]
    native = query("funnels", funnel_id=FUNNEL["id"], **DAYS).json()["data"]
    dates = series["Page View through Purchase"]
    assert {key[:10]: _counts(tree) for key, tree in dates.items()} == {
        day: [step["count"] for step in part["steps"]]
        for day, part in native.items()
        if part["steps"][0]["count"]
    }


def test_a_retention_report_has_dates_and_an_average(query: Ask) -> None:
    report = _series(query, RETENTION)
    assert (report["label"], report["headers"]) == ("Signup and then Login", ["$retention"])
    average = report["tree"].pop("$average")
    native = query("retention", bookmark_id=RETENTION["id"]).json()
    assert report["tree"] == {f"{key}+00:00": part for key, part in native.items()}
    first = sum(part["first"] for part in native.values())
    assert average["first"] == pytest.approx(first / len(native))
    for bucket, rate in enumerate(average["rates"]):
        back = sum(part["counts"][bucket] for part in native.values())
        assert average["counts"][bucket] == pytest.approx(back / len(native))
        assert rate == pytest.approx(back / first)


def test_segments_of_a_retention_report_are_outside_and_add_up(query: Ask) -> None:
    report = _series(query, BROKEN_DOWN_RETENTION)
    assert report["headers"] == ["$retention", "mp_country_code"]
    overall = report["tree"].pop("$overall")
    native = query("retention", bookmark_id=BROKEN_DOWN_RETENTION["id"]).json()
    for key, part in native.items():
        assert overall[f"{key}+00:00"] == part
        segments = [dates[f"{key}+00:00"] for dates in report["tree"].values()]
        assert sum(segment["first"] for segment in segments) == part["first"]
        summed = [sum(counts) for counts in zip(*(s["counts"] for s in segments), strict=True)]
        assert summed == part["counts"]
    assert all("$average" in dates for dates in (overall, *report["tree"].values()))


@pytest.mark.parametrize("bookmark", [RETENTION, BROKEN_DOWN_RETENTION])
def test_dates_of_a_retention_report_can_be_outside(
    query: Ask, world: World, bookmark: dict[str, Any]
) -> None:
    usual = _series(query, bookmark)["tree"]
    segments = usual if "$overall" in usual else {"$overall": usual}
    world.switches.turn({"retention_nesting": "date"})
    dates = _series(query, bookmark)["tree"]
    assert f"{STORY.last_day}T00:00:00+00:00" in dates
    assert "$average" not in dates
    for key, parts in dates.items():
        assert parts == {name: tree[key] for name, tree in segments.items()}


def test_buckets_of_an_asked_retention_can_have_different_sizes(query: Ask, ask: Ask) -> None:
    params = RETENTION["params"]
    show = params["sections"]["show"][0]
    behavior = {**show["behavior"], "retentionCustomBucketSizes": [1, 2]}
    sections = {**params["sections"], "show": [{**show, "behavior": behavior}]}
    body = {"project_id": 1001, "bookmark": {**params, "sections": sections}}
    series = ask("POST", "/api/query/insights", json=body).json()["series"]
    for key, part in query("retention", bookmark_id=RETENTION["id"]).json().items():
        counts = series["Signup and then Login"][f"{key}+00:00"]["counts"]
        assert len(counts) == 2
        assert counts[0] == part["counts"][0]
        assert max(part["counts"][1:3]) <= counts[1] <= sum(part["counts"][1:3])
