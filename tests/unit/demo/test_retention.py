"""Who comes back, as the simulator counts it."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from mp_mcp.demo.counted import selection
from mp_mcp.demo.events import Event
from mp_mcp.demo.retention import Retention, lives, sizes_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask
from tests.unit.demo.story_rows import (
    DAYS,
    WHOLE_STORY,
    by_user,
    counted,
    day_of,
    made_rows,
    saved,
    week_of,
)

DAY_MS = 86_400_000
DAILY = saved("retention", "Signup", "Login")
WEEKLY = saved("retention", "interval_start")
BY_COUNTRY = saved("retention", "mp_country_code")
SIGNUPS = {"born_event": "Signup", "event": "Login", **DAYS}


def _at(event: Event) -> int:
    return int(event.properties["time"])


def _truth(
    world: World,
    born: str,
    back: str | None,
    buckets: int,
    *,
    unit_days: int = 1,
    cohort: Any = day_of,
    wanted: Any = lambda _event: True,
) -> dict[date, dict[str, Any]]:
    """Cohorts of first births, with buckets of whole days after the moment of birth."""
    found: dict[date, dict[str, Any]] = defaultdict(lambda: {"first": 0, "counts": [0] * buckets})
    for history in by_user(counted(world)).values():
        birth = next((event for event in history if event.name == born), None)
        if birth is None:
            continue
        part = found[cohort(birth)]
        part["first"] += 1
        reached = {
            (_at(event) - _at(birth)) // (unit_days * DAY_MS)
            for event in history
            if back in (None, event.name) and _at(event) > _at(birth) and wanted(event)
        }
        for bucket in reached:
            if bucket < buckets:
                part["counts"][bucket] += 1
    return dict(found)


def _dates(answer: dict[str, Any]) -> dict[date, Any]:
    return {date.fromisoformat(key): part for key, part in answer.items()}


def _filled(truth: dict[date, Any], buckets: int) -> dict[date, Any]:
    empty = {"first": 0, "counts": [0] * buckets}
    return {day: truth.get(day, empty) for day in WHOLE_STORY}


def _made(story: str, **options: Any) -> dict[str, dict[str, Any]]:
    """Retention of A and then B over made rows, by date of the cohort."""
    asked = Retention(
        date(2025, 3, 20),
        date(2025, 3, 22),
        selection(["A"]),
        selection(["B"]),
        **{"unit": "day", "bounds": (1, 2, 3), **options},
    )
    people = lives(asked, made_rows(story))
    return {
        f"{cohort:%d}": sizes_of(asked, [life for life in people if life.cohort == cohort])
        for cohort in asked.cohorts
        if any(life.cohort == cohort for life in people)
    }


@pytest.mark.parametrize(
    ("story", "options", "expected"),
    [
        # The first A is the birth; buckets are days after it.
        ("u:A@20 u:A@30 u:B@43 u:B@45", {}, {"20": (1, [1, 1, 0])}),
        ("u:B@19 u:A@20 v:A@30", {}, {"20": (1, [0, 0, 0]), "21": (1, [0, 0, 0])}),
        ("u:A@1 u:B@73", {}, {"20": (1, [0, 0, 0])}),
        ("u:A@1 u:B@72.9", {}, {"20": (1, [0, 0, 1])}),
        # Days of the calendar instead.
        ("u:A@20 u:B@25", {"from_start": True}, {"20": (1, [0, 1, 0])}),
        # From the right to the left.
        ("u:A@1 u:B@50", {"unbounded": True}, {"20": (1, [1, 1, 1])}),
        ("u:A@1 u:B@30", {"unbounded": True}, {"20": (1, [1, 1, 0])}),
        # Born in each cohort anew.
        ("u:A@1 u:A@25 u:B@26", {"again": True}, {"20": (1, [0, 1, 0]), "21": (1, [1, 0, 0])}),
        # Wider cohorts and buckets, and buckets of different sizes.
        (
            "u:A@1 v:A@30 w:A@50",
            {"interval": 2, "bounds": (2, 4)},
            {
                "20": (2, [0, 0]),
                "22": (1, [0, 0]),
            },
        ),
        ("u:A@1 u:B@80", {"bounds": (1, 3, 7)}, {"20": (1, [0, 0, 1])}),
        # After the days nobody is born, but people come back.
        ("u:A@60 u:B@90 v:A@73", {}, {"22": (1, [0, 1, 0])}),
    ],
)
def test_people_come_back_in_the_bucket_of_the_time_that_has_passed(
    story: str, options: dict[str, Any], expected: dict[str, tuple[int, list[int]]]
) -> None:
    assert _made(story, **options) == {
        day: {"first": first, "counts": counts} for day, (first, counts) in expected.items()
    }


def test_cohorts_are_counted_by_day_with_one_bucket_more_than_asked(
    query: Ask, world: World
) -> None:
    answer = query("retention", interval_count=3, **SIGNUPS).json()
    assert _dates(answer) == _filled(_truth(world, "Signup", "Login", 4), 4)
    assert sum(part["first"] for part in answer.values()) > 20
    default = query("retention", **SIGNUPS).json()
    assert {len(part["counts"]) for part in default.values()} == {2}


def test_without_an_event_any_event_is_a_return(query: Ask, world: World) -> None:
    answer = query("retention", born_event="Signup", **DAYS).json()
    assert _dates(answer) == _filled(_truth(world, "Signup", None, 2), 2)


def test_cohorts_and_buckets_can_be_weeks(query: Ask, world: World) -> None:
    answer = query("retention", unit="week", interval_count=1, **SIGNUPS).json()
    assert list(answer) == ["2025-03-17", "2025-03-24", "2025-03-31"]
    truth = _truth(world, "Signup", "Login", 2, unit_days=7, cohort=week_of)
    assert _dates(answer) == truth
    months = query("retention", unit="month", **SIGNUPS).json()
    assert list(months) == ["2025-03-01"]


def test_an_interval_makes_buckets_of_several_days(query: Ask, world: World) -> None:
    answer = query("retention", interval=4, interval_count=2, **SIGNUPS).json()

    def cohort(event: Event) -> date:
        passed = (day_of(event) - STORY.first_day).days // 4 * 4
        return STORY.first_day + timedelta(days=passed)

    assert list(answer) == ["2025-03-20", "2025-03-24", "2025-03-28"]
    assert _dates(answer) == _truth(world, "Signup", "Login", 3, unit_days=4, cohort=cohort)


def test_births_and_returns_have_their_own_filters(query: Ask, world: World) -> None:
    where = 'properties["experiment"] == "control"'
    answer = query("retention", where=where, interval_count=2, **SIGNUPS).json()
    truth = _truth(
        world, "Signup", "Login", 3, wanted=lambda e: e.properties.get("experiment") == "control"
    )
    assert _dates(answer) == _filled(truth, 3)
    born = query("retention", born_where='properties["plan"] == "free"', **SIGNUPS).json()
    free = {
        user
        for user, history in by_user(counted(world, "Signup")).items()
        if any(event.properties["plan"] == "free" for event in history)
    }
    assert sum(part["first"] for part in born.values()) == len(free)


def test_compounded_retention_is_about_doing_the_same_again(query: Ask, world: World) -> None:
    asked = {"retention_type": "compounded", "event": "Login", **DAYS}
    answer = _dates(query("retention", interval_count=2, **asked).json())
    expected: dict[date, dict[str, Any]] = {
        day: {"first": 0, "counts": [0, 0, 0]} for day in WHOLE_STORY
    }
    for history in by_user(counted(world, "Login")).values():
        for day in {day_of(event) for event in history}:
            birth = next(_at(event) for event in history if day_of(event) == day)
            expected[day]["first"] += 1
            for bucket in {(_at(e) - birth) // DAY_MS for e in history if _at(e) > birth}:
                if bucket < 3:
                    expected[day]["counts"][bucket] += 1
    assert answer == expected


def test_unbounded_retention_accumulates_from_the_right(query: Ask) -> None:
    bounded = query("retention", interval_count=4, **SIGNUPS).json()
    unbounded = query("retention", interval_count=4, unbounded_retention="true", **SIGNUPS).json()
    for day, part in unbounded.items():
        assert part["first"] == bounded[day]["first"]
        assert part["counts"] == sorted(part["counts"], reverse=True)
        assert part["counts"][-1] == bounded[day]["counts"][-1]
        assert all(n >= m for n, m in zip(part["counts"], bounded[day]["counts"], strict=True))


def test_a_breakdown_is_by_value_of_the_returning_event(query: Ask, world: World) -> None:
    on = 'properties["experiment"]'
    answer = query("retention", on=on, interval_count=2, **SIGNUPS).json()
    whole = _truth(world, "Signup", "Login", 3)
    for value in ("control", "undefined"):
        part = _truth(
            world,
            "Signup",
            "Login",
            3,
            wanted=lambda e, value=value: e.properties.get("experiment", "undefined") == value,
        )
        for day, values in _dates(answer).items():
            counts = part[day]["counts"] if day in part else [0, 0, 0]
            found = values.get(value, {"first": whole.get(day, {}).get("first"), "counts": [0] * 3})
            assert found == {"first": whole.get(day, {}).get("first"), "counts": counts}
    assert set(answer) == {str(day) for day in WHOLE_STORY}
    limited = query("retention", on=on, limit=1, **SIGNUPS).json()
    assert len({value for values in limited.values() for value in values}) == 1


def test_unit_and_interval_together_are_refused_when_that_is_switched_on(
    query: Ask, world: World
) -> None:
    asked = {"unit": "day", "interval": 2, **SIGNUPS}
    assert query("retention", **asked).status_code == 200
    world.switches.turn({"retention_unit_interval_refused": True})
    assert query("retention", **asked).status_code == 400
    assert query("retention", unit="day", **SIGNUPS).status_code == 200
    assert query("retention", interval=2, **SIGNUPS).status_code == 200


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"born_event": ""}, "born_event"),
        ({"interval": 91}, "90 days"),
        ({"interval": 13, "unit": "week"}, "90 days"),
        ({"unit": "hour"}, "unit"),
        ({"retention_type": "death"}, "retention_type"),
        ({"unbounded_retention": "maybe"}, "unbounded_retention"),
        ({"born_where": "plan"}, "unknown variable"),
        ({"where": 'properties["plan"]'}, "boolean"),
        ({"to_date": ""}, "to_date"),
        ({"bookmark_id": saved("flows")["id"]}, "flows"),
    ],
)
def test_retention_refuses_what_it_cannot_read(
    query: Ask, change: dict[str, Any], part: str
) -> None:
    answer = query("retention", **{**SIGNUPS, **change})
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}
    assert part in answer.json()["error"]


def test_a_saved_report_has_timestamps_for_keys_and_rates(query: Ask, world: World) -> None:
    answer = query("retention", bookmark_id=DAILY["id"]).json()
    assert list(answer) == [
        f"{STORY.last_day - timedelta(days=n)}T00:00:00" for n in reversed(range(14))
    ]
    truth = _truth(world, "Signup", "Login", 14)
    for key, part in answer.items():
        rates = part.pop("rates")
        day = date.fromisoformat(key[:10])
        assert part == truth.get(day, {"first": 0, "counts": [0] * 14})
        assert rates == [count / part["first"] if part["first"] else 0 for count in part["counts"]]


def test_a_saved_report_can_count_weeks_of_the_calendar(query: Ask, world: World) -> None:
    answer = query("retention", bookmark_id=WEEKLY["id"]).json()
    expected = {f"{week}T00:00:00": [0] * 5 for week in {week_of(e) for e in counted(world)}}
    for history in by_user(counted(world)).values():
        birth = next((event for event in history if event.name == "Login"), None)
        later = [e for e in history if birth and e.name == "Purchase" and _at(e) > _at(birth)]
        for bucket in {(week_of(e) - week_of(birth)).days // 7 for e in later if birth}:
            assert birth is not None
            expected[f"{week_of(birth)}T00:00:00"][bucket] += 1
    assert {key: part["counts"] for key, part in answer.items() if key in expected} == expected


def test_an_unknown_saved_report_is_not_found(query: Ask) -> None:
    assert query("retention", bookmark_id=5).status_code == 404
