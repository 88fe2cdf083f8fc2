"""The simulator's ranges, sums and averages of numbers."""

from collections import defaultdict
from typing import Any

import pytest

from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask
from tests.unit.demo.story_rows import DAYS, counted, day_of, user_of

AMOUNT = {"event": "Purchase", "on": 'properties["amount"]', **DAYS}


def _bounds(label: str) -> tuple[int, int]:
    low, high = (int(part.replace(",", "")) for part in label.split(" - "))
    return low, high


def test_ranges_of_numbers_hold_the_rows_between_their_bounds(query: Ask, world: World) -> None:
    answer = query("segmentation/numeric", **AMOUNT).json()
    labels = answer["data"]["values"]
    assert answer["legend_size"] == len(labels)
    assert 3 < len(labels) <= 13
    for label, buckets in labels.items():
        low, high = _bounds(label)
        expected: dict[str, int] = defaultdict(int)
        for event in counted(world, "Purchase"):
            if low <= event.properties["amount"] < high:
                expected[str(day_of(event))] += 1
        assert buckets == expected
    rows = counted(world, "Purchase")
    assert sum(sum(buckets.values()) for buckets in labels.values()) == len(rows)


def test_labels_of_ranges_have_thousands_separators(query: Ask) -> None:
    asked = {"event": "Report Exported", "on": 'properties["rows"]', **DAYS}
    labels = query("segmentation/numeric", **asked).json()["data"]["values"]
    assert "900,000 - 1,000,000" in labels
    small = query("segmentation/numeric", **{**asked, "on": 'properties["rows"] / 1000'}).json()
    assert "100 - 200" in small["data"]["values"]


def test_ranges_count_users_when_asked_and_leave_out_what_is_no_number(
    query: Ask, world: World
) -> None:
    asked = {"event": "Search", "on": 'properties["results"]', "type": "unique"}
    answer = query("segmentation/numeric", unit="day", **asked, **DAYS).json()["data"]["values"]
    for label, buckets in answer.items():
        low, high = _bounds(label)
        users = defaultdict(set)
        for event in counted(world, "Search"):
            results = event.properties["results"]
            if results is not None and low <= results < high:
                users[str(day_of(event))].add(user_of(event))
        assert buckets == {day: len(found) for day, found in users.items()}
    nothing = query("segmentation/numeric", event="Login", on='properties["plan"]', **DAYS).json()
    assert nothing["data"]["values"] == {}


def test_sums_and_averages_per_day(query: Ask, world: World) -> None:
    numbers = defaultdict(list)
    for event in counted(world, "Purchase"):
        numbers[str(day_of(event))].append(event.properties["amount"])
    total = query("segmentation/sum", **AMOUNT).json()
    assert set(total) == {"status", "computed_at", "results"}
    assert total["results"] == {day: pytest.approx(sum(found)) for day, found in numbers.items()}
    mean = query("segmentation/average", **AMOUNT).json()
    assert set(mean) == {"status", "results"}
    assert mean["results"] == {
        day: pytest.approx(sum(found) / len(found)) for day, found in numbers.items()
    }


def test_what_is_no_number_sums_as_zero(query: Ask, world: World) -> None:
    asked = {"event": "Search", "on": 'properties["results"]', **DAYS}
    total = query("segmentation/sum", **asked).json()["results"]
    mean = query("segmentation/average", **asked).json()["results"]
    rows = counted(world, "Search")
    assert sum(total.values()) == sum(event.properties["results"] or 0 for event in rows)
    for day, value in mean.items():
        found = [event for event in rows if str(day_of(event)) == day]
        assert value == pytest.approx(total[day] / len(found))
    texts = query("segmentation/sum", event="Login", on='properties["plan"]', **DAYS).json()
    assert set(texts["results"].values()) == {0.0}


def test_sums_can_be_by_hour_and_filtered(query: Ask, world: World) -> None:
    where = 'properties["currency"] == "BRL"'
    answer = query("segmentation/sum", unit="hour", where=where, **AMOUNT).json()["results"]
    assert all(key.endswith(":00:00") for key in answer)
    rows = [e for e in counted(world, "Purchase") if e.properties.get("currency") == "BRL"]
    assert sum(answer.values()) == pytest.approx(sum(e.properties["amount"] for e in rows))


@pytest.mark.parametrize("kind", ["numeric", "sum", "average"])
@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"on": ""}, "Missing required parameter: on"),
        ({"on": "amount"}, "unknown variable"),
        ({"unit": "week"}, "unit"),
        ({"event": ""}, "event"),
        ({"where": 'properties["amount"]'}, "boolean"),
    ],
)
def test_numbers_refuse_what_they_cannot_read(
    query: Ask, kind: str, change: dict[str, Any], part: str
) -> None:
    answer = query(f"segmentation/{kind}", **{**AMOUNT, **change})
    assert answer.status_code == 400
    assert part in answer.json()["error"]
