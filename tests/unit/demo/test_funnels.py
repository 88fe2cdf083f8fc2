"""The simulator's saved funnels, against its own events."""

from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from mp_mcp.demo.counted import selection
from mp_mcp.demo.events import Event
from mp_mcp.demo.funnels import Funnel, Step, attempts, best_attempts, step_results
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask
from tests.unit.demo.story_rows import (
    DAYS,
    by_user,
    counted,
    day_of,
    made_rows,
    saved,
    user_of,
    week_of,
)

TWO_STEPS = saved("funnels", "Signup", "Purchase")
THREE_STEPS = saved("funnels", "Search")
CUSTOM = saved("funnels", "$custom_event:77")
SAME_TWICE = saved("funnels", "hour")
DAY_MS = 86_400_000


def _reached(entry: Event, history: list[Event], names: list[set[str]], window_ms: int) -> int:
    """How many steps follow an entry, found by looking at every later event in turn."""
    steps, now, begin = 1, entry.properties["time"], entry.properties["time"]
    for event in history:
        at = event.properties["time"]
        wanted = steps < len(names) and event.name in names[steps]
        if wanted and now < at <= begin + window_ms:
            steps, now = steps + 1, at
    return steps


def _truth(
    world: World, names: list[set[str]], window_days: float, key: Any = lambda _event: "all"
) -> dict[Any, list[int]]:
    """People per step, by some key of the entry; each counts with their best attempt."""
    best: dict[Any, dict[str, int]] = defaultdict(dict)
    for user, history in by_user(counted(world)).items():
        for entry in history:
            if entry.name in names[0]:
                steps = _reached(entry, history, names, int(window_days * DAY_MS))
                people = best[key(entry)]
                people[user] = max(steps, people.get(user, 0))
    return {
        name: [sum(steps > n for steps in people.values()) for n in range(len(names))]
        for name, people in best.items()
    }


def _counts(steps: list[dict[str, Any]]) -> list[int]:
    return [step["count"] for step in steps]


def _funnel(names: str, hours: int) -> Funnel:
    steps = [Step(selection([name]), name, name) for name in names]
    return Funnel(tuple(steps), hours * 3600)


def _people(story: str, names: str, hours: int = 24) -> list[int]:
    found = attempts(_funnel(names, hours), made_rows(story), date(2025, 3, 20), date(2025, 3, 20))
    counted = best_attempts(found, lambda _entry: None).get(None, [])
    return [result.people for result in step_results(_funnel(names, hours), counted)]


@pytest.mark.parametrize(
    ("story", "names", "people"),
    [
        ("u:A@1 u:B@2 v:A@1", "AB", [2, 1]),
        # The order matters, and so does the window, which ends with its last moment.
        ("u:B@1 u:A@2", "AB", [1, 0]),
        ("u:A@1 u:B@25 v:A@1 v:B@25.1", "AB", [2, 1]),
        # A later attempt can be the better one.
        ("u:A@1 u:A@10 u:B@30", "AB", [1, 1]),
        # The window begins with the first step.
        ("u:A@1 u:B@20 u:C@30", "ABC", [1, 1, 0]),
        # The same event cannot be two steps.
        ("u:A@1", "AA", [1, 0]),
        ("u:A@1 u:A@2 u:A@3", "AAA", [1, 1, 1]),
        # Other events in between do no harm; conversions after the days count, entries do not.
        ("u:A@20 u:X@21 u:B@40 v:A@25 v:B@26", "AB", [1, 1]),
        ("", "AB", [0, 0]),
    ],
)
def test_people_go_as_far_as_the_order_and_the_window_allow(
    story: str, names: str, people: list[int]
) -> None:
    assert _people(story, names) == people


def test_a_saved_funnel_counts_people_per_day(query: Ask, world: World) -> None:
    answer = query("funnels", funnel_id=TWO_STEPS["id"], **DAYS).json()
    assert set(answer) == {"meta", "data", "computed_at"}
    assert answer["meta"]["dates"] == list(answer["data"])
    assert len(answer["data"]) == STORY.days
    truth = _truth(world, [{"Signup"}, {"Purchase"}], 14, day_of)
    for day, part in answer["data"].items():
        assert _counts(part["steps"]) == truth.get(date.fromisoformat(day), [0, 0])
        assert part["analysis"]["starting_amount"] == part["steps"][0]["count"]
        assert part["analysis"]["completion"] == part["steps"][-1]["count"]


def test_steps_have_ratios_times_and_labels(query: Ask, world: World) -> None:
    answer = query("funnels", funnel_id=THREE_STEPS["id"], unit="month", **DAYS).json()
    steps = answer["data"]["2025-03-01"]["steps"]
    first, second, third = _truth(world, [{"Page View"}, {"Search"}, {"Purchase"}], 7)["all"]
    assert _counts(steps) == [first, second, third]
    assert [step["event"] for step in steps] == ["Page View", "Search", "Purchase"]
    assert (steps[0]["step_conv_ratio"], steps[0]["overall_conv_ratio"]) == (1, 1)
    assert (steps[0]["avg_time"], steps[0]["avg_time_from_start"]) == (None, None)
    assert steps[2]["step_conv_ratio"] == pytest.approx(third / second)
    assert steps[2]["overall_conv_ratio"] == pytest.approx(third / first)
    assert 0 < steps[2]["avg_time"] < steps[2]["avg_time_from_start"] <= 7 * 86_400
    assert {"convert_step_freq_buckets", "dropoff_step_freq_buckets"} <= set(steps[0])
    assert answer["data"]["2025-03-01"]["analysis"]["steps"] == 3


def test_the_mean_time_is_that_of_those_who_converted() -> None:
    rows = made_rows("u:A@1 u:B@2 v:A@1 v:B@4 w:A@1")
    found = attempts(_funnel("AB", 24), rows, date(2025, 3, 20), date(2025, 3, 20))
    counted = best_attempts(found, lambda _entry: None)[None]
    result = step_results(_funnel("AB", 24), counted)[1]
    assert (result.people, result.time_s, result.time_from_start_s) == (2, 7200, 7200)


def test_a_step_can_be_a_custom_event(query: Ask, world: World) -> None:
    answer = query("funnels", funnel_id=CUSTOM["id"], unit="month", **DAYS).json()
    steps = answer["data"]["2025-03-01"]["steps"]
    assert _counts(steps) == _truth(world, [{"Signup"}, {"Purchase", "Plan Upgraded"}], 30)["all"]
    custom = {name: steps[1][name] for name in ("event", "goal", "step_label", "custom_event_id")}
    assert custom == {
        "event": "$custom_event:77",
        "goal": "$custom_event:77",
        "step_label": "Activated",
        "custom_event_id": 77,
    }
    assert steps[1]["custom_event"] is True
    assert "custom_event" not in steps[0]


def test_buckets_can_be_weeks_or_intervals_of_days(query: Ask, world: World) -> None:
    names = [{"Signup"}, {"Purchase"}]
    asked = {"funnel_id": TWO_STEPS["id"], **DAYS}
    weeks = query("funnels", unit="week", **asked).json()["data"]
    assert {date.fromisoformat(week): _counts(part["steps"]) for week, part in weeks.items()} == (
        _truth(world, names, 14, week_of)
    )
    parts = query("funnels", interval=5, **asked).json()
    assert parts["meta"]["dates"] == ["2025-03-20", "2025-03-25", "2025-03-30"]
    truth = _truth(world, names, 14, lambda event: (day_of(event) - STORY.first_day).days // 5)
    assert [_counts(part["steps"]) for part in parts["data"].values()] == [
        truth[n] for n in range(3)
    ]


@pytest.mark.parametrize(("length", "unit", "days"), [(2, "day", 2), (6, "hour", 0.25)])
def test_the_window_can_be_changed(
    query: Ask, world: World, length: int, unit: str, days: float
) -> None:
    asked = {"funnel_id": TWO_STEPS["id"], "length": length, "length_unit": unit, **DAYS}
    answer = query("funnels", unit="month", **asked).json()["data"]["2025-03-01"]
    assert _counts(answer["steps"]) == _truth(world, [{"Signup"}, {"Purchase"}], days)["all"]


def test_conversions_after_the_range_are_looked_up(query: Ask, world: World) -> None:
    early = {"from_date": str(STORY.first_day), "to_date": str(STORY.first_day)}
    answer = query("funnels", funnel_id=TWO_STEPS["id"], **early).json()["data"]
    truth = _truth(world, [{"Signup"}, {"Purchase"}], 14, day_of)[STORY.first_day]
    assert _counts(answer[str(STORY.first_day)]["steps"]) == truth


def test_where_filters_the_events_of_every_step(query: Ask, world: World) -> None:
    where = 'properties["mp_country_code"] == "US"'
    asked = {"funnel_id": TWO_STEPS["id"], "unit": "month", "where": where, **DAYS}
    answer = query("funnels", **asked).json()["data"]["2025-03-01"]
    truth = _truth(
        world,
        [{"Signup"}, {"Purchase"}],
        14,
        lambda event: event.properties["mp_country_code"],
    )
    # Nobody moves in the story.
    assert _counts(answer["steps"]) == truth["US"]


def test_a_breakdown_has_lists_of_steps_by_value_and_overall(query: Ask, world: World) -> None:
    asked = {"funnel_id": TWO_STEPS["id"], "unit": "week", **DAYS}
    answer = query("funnels", on='properties["plan"]', **asked).json()["data"]
    names = [{"Signup"}, {"Purchase"}]
    overall = _truth(world, names, 14, week_of)
    parts = _truth(world, names, 14, lambda event: (week_of(event), event.properties["plan"]))
    for week, values in answer.items():
        assert "steps" not in values
        day = date.fromisoformat(week)
        assert _counts(values.pop("$overall")) == overall[day]
        assert {value: _counts(steps) for value, steps in values.items()} == {
            value: counts for (when, value), counts in parts.items() if when == day
        }
    limited = query("funnels", on='properties["plan"]', limit=1, **asked).json()["data"]
    assert {value for values in limited.values() for value in values} <= {"$overall", "free"}


def test_a_funnel_of_one_event_twice_needs_two_events(query: Ask, world: World) -> None:
    answer = query("funnels", funnel_id=SAME_TWICE["id"], unit="month", **DAYS).json()["data"]
    names = [{"Page View"}, {"Page View"}]
    assert _counts(answer["2025-03-01"]["steps"]) == _truth(world, names, 0.5)["all"]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"funnel_id": 5}, "there is no funnel 5"),
        ({"funnel_id": "x"}, "there is no funnel x"),
        ({"funnel_id": saved("flows")["id"]}, "there is no funnel"),
        ({"funnel_id": ""}, "funnel_id"),
        ({"on": "plan"}, "unknown variable"),
        ({"length": 91}, "90 days"),
        ({"length": 1, "length_unit": "week"}, "length_unit"),
        ({"unit": "hour"}, "unit"),
        ({"limit": 10_001}, "limit"),
        ({"from_date": ""}, "from_date"),
        ({"where": 'properties["plan"]'}, "boolean"),
    ],
)
def test_funnels_refuse_what_they_cannot_read(
    query: Ask, change: dict[str, Any], part: str
) -> None:
    answer = query("funnels", **{"funnel_id": TWO_STEPS["id"], **DAYS, **change})
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}
    assert part in answer.json()["error"]


def test_the_story_has_users_who_convert_and_users_who_do_not(world: World) -> None:
    signed, bought = _truth(world, [{"Signup"}, {"Purchase"}], 14)["all"]
    assert 0 < bought < signed <= len({user_of(event) for event in counted(world, "Signup")})
