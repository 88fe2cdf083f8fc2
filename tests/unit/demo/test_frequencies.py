"""How often people are active, as the simulator counts it."""

from collections import defaultdict
from typing import Any

import pytest

from mp_mcp.demo.events import Event
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask
from tests.unit.demo.story_rows import DAYS, by_user, counted, day_of, week_of


def _hour_of(event: Event) -> int:
    return int(event.properties["time"]) // 3_600_000


def _active(world: World, name: str | None, period: Any, unit: Any) -> dict[str, list[int]]:
    """How many different units each user is active in, by period."""
    units: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    for user, history in by_user(counted(world)).items():
        for event in history:
            if name in (None, event.name):
                units[str(period(event))][user].add(unit(event))
    return {key: [len(found) for found in people.values()] for key, people in units.items()}


@pytest.mark.parametrize(
    ("unit", "active_unit", "length"),
    [("day", "hour", 24), ("week", "day", 7), ("month", "day", 31), ("day", "day", 1)],
)
def test_frequencies_say_how_many_people_are_active_how_often(
    query: Ask, world: World, unit: str, active_unit: str, length: int
) -> None:
    asked = {"unit": unit, "addiction_unit": active_unit, "event": "Page View", **DAYS}
    answer = query("retention/addiction", **asked).json()
    periods = {"day": day_of, "week": week_of, "month": lambda event: day_of(event).replace(day=1)}
    units = {"hour": _hour_of, "day": day_of}
    truth = _active(world, "Page View", periods[unit], units[active_unit])
    assert set(answer) == {"data"}
    for period, counts in answer["data"].items():
        assert len(counts) == length
        sizes = truth.get(period, [])
        assert counts == [sum(size >= n for size in sizes) for n in range(1, length + 1)]


def test_frequencies_can_be_filtered_and_broken_down(query: Ask) -> None:
    asked = {"unit": "week", "addiction_unit": "day", **DAYS}
    whole = query("retention/addiction", **asked).json()["data"]
    parts = query("retention/addiction", on='properties["trial"]', **asked).json()["data"]
    trial = query("retention/addiction", where='properties["trial"] == true', **asked).json()
    assert set(parts) == set(whole)
    for week, values in parts.items():
        assert set(values) == {"true", "false"}
        assert values["true"] == trial["data"][week]
        assert values["true"][0] + values["false"][0] == whole[week][0]


def test_frequencies_can_come_without_their_envelope(query: Ask, world: World) -> None:
    asked = {"unit": "week", "addiction_unit": "day", **DAYS}
    wrapped = query("retention/addiction", **asked).json()
    world.switches.turn({"addiction_bare": True})
    assert query("retention/addiction", **asked).json() == wrapped["data"]


@pytest.mark.parametrize(
    "change", [{"unit": ""}, {"addiction_unit": "week"}, {"addiction_unit": ""}, {"on": "plan"}]
)
def test_frequencies_refuse_what_they_cannot_read(query: Ask, change: dict[str, str]) -> None:
    asked = {"unit": "week", "addiction_unit": "day", **DAYS, **change}
    assert query("retention/addiction", **asked).status_code == 400
