"""The simulator's names of events, properties and values."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from mp_mcp.demo.truth import truth_of
from mp_mcp.demo.values import text_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask
from tests.unit.demo.story_rows import counted, day_of, user_of


def test_properties_are_those_of_the_event_with_how_many_rows_have_them(
    query: Ask, world: World
) -> None:
    answer = query("events/properties/top", event="Search", limit=1000).json()
    expected: Counter[str] = Counter()
    for event in counted(world, "Search"):
        expected.update(event.properties.keys())
    assert answer == {name: {"count": count} for name, count in expected.items()}


def test_only_ten_properties_are_given_unless_more_are_asked(query: Ask) -> None:
    assert len(query("events/properties/top", event="Search").json()) == 10
    assert len(query("events/properties/top", event="Search", limit=12).json()) == 12


def test_without_an_event_all_properties_are_given_and_computed_ones_have_no_count(
    query: Ask, world: World
) -> None:
    answer = query("events/properties/top", limit=1000).json()
    truth = truth_of(world.projects["1001"].history, STORY.first_day, STORY.last_day)
    assert answer.pop("$duration_s") == {}
    assert set(answer) == truth.keys
    assert answer["plan"] == {"count": truth.events}


def test_an_unknown_event_has_no_properties_and_no_values(query: Ask) -> None:
    assert query("events/properties/top", event="Nope").json() == {}
    assert query("events/properties/values", event="Nope", name="plan").json() == []


def test_values_are_text_most_common_first(query: Ask, world: World) -> None:
    answer = query("events/properties/values", event="Purchase", name="seats").json()
    counts = Counter(str(event.properties["seats"]) for event in counted(world, "Purchase"))
    assert answer == [value for value, _ in counts.most_common()]
    assert all(isinstance(value, str) for value in answer)


def test_values_that_are_lists_or_objects_come_as_json(query: Ask, world: World) -> None:
    asked = {"event": "Search", "name": "filters"}
    answer = query("events/properties/values", **asked, limit=1000).json()
    rows = counted(world, "Search")
    assert {json.dumps(json.loads(text)) for text in answer} == {
        json.dumps(event.properties["filters"]) for event in rows
    }
    assert "[]" in query("events/properties/values", event="Purchase", name="tags").json()


def test_values_can_be_those_of_all_events_and_are_limited(query: Ask, world: World) -> None:
    counts = Counter(text_of(event.properties["plan"]) for event in counted(world))
    answer = query("events/properties/values", name="plan", limit=2)
    assert answer.json() == [value for value, _ in counts.most_common(2)]
    assert len(query("events/properties/values", name="zip").json()) <= 255
    assert query("events/properties/values").status_code == 400


@pytest.mark.parametrize("kind", ["general", "unique"])
def test_top_events_compare_the_last_day_with_the_one_before(
    query: Ask, world: World, kind: str
) -> None:
    answer = query("events/top", type=kind).json()
    assert answer["type"] == kind
    amounts = {}
    for back in (0, 1):
        day = STORY.last_day - timedelta(days=back)
        names: dict[str, list[str]] = {}
        for event in counted(world):
            if day_of(event) == day:
                names.setdefault(event.name, []).append(user_of(event))
        amounts[back] = {
            name: len(users if kind == "general" else set(users)) for name, users in names.items()
        }
    found = {one["event"]: one for one in answer["events"]}
    assert {name: one["amount"] for name, one in found.items()} == amounts[0]
    for name, one in found.items():
        before = amounts[1].get(name)
        change = (amounts[0][name] - before) / before if before else 1.0
        assert one["percent_change"] == pytest.approx(change, abs=1e-3)


def test_top_events_are_limited_but_not_sorted_by_amount(query: Ask) -> None:
    everything = query("events/top").json()["events"]
    some = query("events/top", limit=2).json()["events"]
    largest = sorted((one["amount"] for one in everything), reverse=True)[:2]
    assert sorted((one["amount"] for one in some), reverse=True) == largest
    assert [one["event"] for one in everything] == sorted(one["event"] for one in everything)


def test_saved_funnels_have_the_ids_and_names_of_their_bookmarks(query: Ask, ask: Ask) -> None:
    listed = query("funnels/list").json()
    bookmarks = ask("GET", "/api/app/projects/1001/bookmarks", params={"type": "funnels"})
    assert listed == [
        {"funnel_id": one["id"], "name": one["name"]} for one in bookmarks.json()["results"]
    ]
    assert len(listed) == 282
