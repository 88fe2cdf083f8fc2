"""The simulator's counts over time, against its own events."""

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from mp_mcp.demo.tables import interval_buckets
from mp_mcp.demo.truth import truth_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask
from tests.unit.demo.story_rows import DAYS, counted, user_of, week_of

SOME = ["Login", "Signup"]
EVENTS = json.dumps(SOME)
OTHER = ("other.svc", "other-secret")


def test_several_events_are_counted_at_once(query: Ask, world: World) -> None:
    answer = query("events", event=EVENTS, type="general", unit="day", **DAYS).json()
    history = world.projects["1001"].history
    for name in SOME:
        truth = truth_of(history, STORY.first_day, STORY.last_day, event=name)
        assert answer["data"]["values"][name] == dict(truth.by_day)
    assert answer["legend_size"] == 2
    assert len(answer["data"]["series"]) == STORY.days
    assert answer["data"]["series"] != sorted(answer["data"]["series"])


def test_uniques_and_averages_of_weeks(query: Ask, world: World) -> None:
    users = defaultdict(list)
    for event in counted(world, "Login"):
        users[str(week_of(event))].append(user_of(event))
    asked = {"event": '["Login"]', "unit": "week", **DAYS}
    unique = query("events", type="unique", **asked).json()["data"]["values"]["Login"]
    average = query("events", type="average", **asked).json()["data"]["values"]["Login"]
    assert unique == {week: len(set(found)) for week, found in users.items()}
    assert average == {
        week: pytest.approx(len(found) / len(set(found)), abs=1e-3) for week, found in users.items()
    }


@pytest.mark.parametrize(
    ("unit", "interval", "series"),
    [
        ("day", 2, {"2025-03-31", "2025-03-30"}),
        ("week", 2, {"2025-03-31", "2025-03-24"}),
        ("month", 1, {"2025-03-01"}),
        ("hour", 3, {f"2025-03-31 {hour}:00:00" for hour in (21, 22, 23)}),
        ("minute", 1, {"2025-03-31 23:59:00"}),
    ],
)
def test_an_interval_is_the_current_unit_and_those_before_it(
    query: Ask, unit: str, interval: int, series: set[str]
) -> None:
    answer = query("events", event='["Page View"]', type="general", unit=unit, interval=interval)
    assert set(answer.json()["data"]["series"]) == series
    assert set(answer.json()["data"]["values"]["Page View"]) <= series


def test_an_interval_counts_what_the_same_days_count(query: Ask) -> None:
    asked = {"event": EVENTS, "type": "general", "unit": "day"}
    days = {"from_date": "2025-03-30", "to_date": "2025-03-31"}
    assert query("events", interval=2, **asked).json() == query("events", **days, **asked).json()


@pytest.mark.parametrize("endpoint", ["events", "events/properties", "segmentation"])
def test_counts_come_as_csv_when_asked(query: Ask, endpoint: str) -> None:
    event = EVENTS if endpoint == "events" else "Login"
    asked = {"event": event, "name": "plan", "type": "general", "unit": "day", **DAYS}
    answer = query(endpoint, format="csv", **asked)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    values = query(endpoint, **asked).json()["data"]["values"]
    assert [row["date"] for row in rows] == sorted(row["date"] for row in rows)
    for name, counts in values.items():
        assert {row["date"]: int(row[name]) for row in rows if int(row[name])} == counts


@pytest.mark.parametrize(
    "change",
    [
        {"event": ""},
        {"event": "[]"},
        {"event": "Login"},
        {"type": ""},
        {"type": "median"},
        {"unit": ""},
        {"unit": "year"},
        {"format": "xml"},
        {"from_date": ""},
        {"type": "unique", "unit": "hour"},
        {"interval": "0", "from_date": None, "to_date": None},
        {"interval": "1000000000", "from_date": None, "to_date": None},
        {"to_date": "9999-12-31"},
    ],
)
def test_counts_refuse_what_they_cannot_read(query: Ask, change: dict[str, Any]) -> None:
    asked = {"event": EVENTS, "type": "general", "unit": "day", **DAYS, **change}
    answer = query("events", **{name: value for name, value in asked.items() if value is not None})
    assert answer.status_code == 400
    assert set(answer.json()) == {"request", "error"}


def test_one_event_is_counted_by_the_values_of_a_property(query: Ask, world: World) -> None:
    asked = {"event": "Purchase", "name": "mp_country_code", "type": "general", "unit": "month"}
    answer = query("events/properties", **asked, **DAYS).json()
    counts = Counter(e.properties["mp_country_code"] for e in counted(world, "Purchase"))
    assert answer["data"]["values"] == {name: {"2025-03-01": n} for name, n in counts.items()}
    assert answer["legend_size"] == len(counts)
    limited = query("events/properties", limit=2, **asked, **DAYS).json()
    assert set(limited["data"]["values"]) == {name for name, _ in counts.most_common(2)}


def test_only_asked_values_are_counted(query: Ask) -> None:
    asked = {"event": "Purchase", "name": "seats", "type": "general", "unit": "month", **DAYS}
    everything = query("events/properties", **asked).json()["data"]["values"]
    answer = query("events/properties", values='["3", "17"]', **asked).json()
    assert answer["data"]["values"] == {"3": everything["3"]}
    assert query("events/properties", values="3", **asked).status_code == 400


def test_rows_without_the_property_are_not_counted(query: Ask, world: World) -> None:
    asked = {"event": "Purchase", "name": "experiment", "type": "general", "unit": "month", **DAYS}
    answer = query("events/properties", **asked).json()["data"]["values"]
    rows = [e for e in counted(world, "Purchase") if "experiment" in e.properties]
    assert set(answer) == {"control", "one-page checkout"}
    assert sum(buckets["2025-03-01"] for buckets in answer.values()) == len(rows)


def test_property_counts_want_a_single_event(query: Ask) -> None:
    asked = {"name": "plan", "type": "general", "unit": "day", **DAYS}
    assert query("events/properties", event=EVENTS, **asked).json()["data"]["values"] == {}


def test_segmentation_by_intervals_of_days(query: Ask, world: World) -> None:
    answer = query("segmentation", event="Login", type="unique", interval=5, **DAYS).json()
    buckets = interval_buckets(STORY.first_day, STORY.last_day, 5)
    assert sorted(answer["data"]["series"]) == ["2025-03-20", "2025-03-25", "2025-03-30"]
    assert tuple(sorted(answer["data"]["series"])) == buckets.keys
    users = {user_of(event) for event in counted(world, "Login", first=date(2025, 3, 30))}
    assert answer["data"]["values"]["Login"]["2025-03-30"] == len(users)


def test_days_are_those_of_the_projects_zone(ask: Ask, world: World) -> None:
    project = world.projects["2002"]
    asked = {"project_id": "2002", "event": "Page View", **DAYS}
    answer = ask("GET", "/api/query/segmentation", params=asked, auth=OTHER).json()
    offset = project.zone.utcoffset(None)
    assert offset == timedelta(hours=-3)
    expected: Counter[str] = Counter()
    for day in STORY.days_between(STORY.first_day, STORY.last_day):
        for event in project.history.counted(day, late=False):
            moment = event.properties["time"] // 1000 - 3 * 3600
            local = date(1970, 1, 1) + timedelta(days=moment // 86_400)
            if event.name == "Page View" and local >= STORY.first_day:
                expected[str(local)] += 1
    assert answer["data"]["values"]["Page View"] == dict(expected)
