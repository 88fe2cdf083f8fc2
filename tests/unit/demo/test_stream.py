"""The simulator's activity feeds, by dates and by bookmark."""

from typing import Any

import httpx
import pytest

from mp_mcp.demo.values import text_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask

DAYS = {"from_date": str(STORY.first_day), "to_date": str(STORY.last_day)}
RANGE = {"type": "between", "from": str(STORY.first_day), "to": str(STORY.last_day)}
BUSY = "u-1000"


def _id_of(event: dict[str, Any]) -> str:
    properties = event["properties"]
    return text_of(properties.get("$distinct_id", properties.get("distinct_id")))


def _expected(world: World, *users: str) -> list[tuple[int, str]]:
    history = world.projects["1001"].history
    return sorted(
        (row.properties["time"] // 1000, row.name)
        for day in STORY.days_between(STORY.first_day, STORY.last_day)
        for row in history.counted(day, late=False)
        if text_of(row.properties["distinct_id"]) in users
    )


def _seen(events: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return sorted((event["properties"]["time"], event["event"]) for event in events)


def test_the_feed_is_what_the_users_did(query: Ask, world: World) -> None:
    answer = query("stream/query", distinct_ids=f'["{BUSY}", "700017"]', **DAYS)
    body = answer.json()
    assert body["status"] == "ok"
    events = body["results"]["events"]
    assert _seen(events) == _expected(world, BUSY, "700017")
    assert {_id_of(event) for event in events} == {BUSY, "700017"}
    names = {name for event in events for name in event["properties"] if "distinct_id" in name}
    assert names == {"distinct_id", "$distinct_id"}


def test_the_old_feed_says_that_it_is_deprecated(query: Ask) -> None:
    answer = query("stream/query", distinct_ids=f'["{BUSY}"]', **DAYS)
    assert answer.headers["Deprecation"] == "true"
    assert "deprecated" in answer.json()["warning"]


@pytest.mark.parametrize(
    "change", [{"distinct_ids": ""}, {"distinct_ids": "u-1000"}, {"from_date": ""}]
)
def test_the_old_feed_needs_ids_as_json_and_dates(query: Ask, change: dict[str, str]) -> None:
    asked = {"distinct_ids": f'["{BUSY}"]', **DAYS, **change}
    assert query("stream/query", **asked).status_code == 400


@pytest.fixture
def feed(ask: Ask) -> Ask:
    """POST a bookmark about the busiest user."""

    def send(**changes: Any) -> httpx.Response:
        body: dict[str, Any] = {
            "project_id": "1001",
            "workspace_id": 100101,
            "distinct_ids": [BUSY],
            "mode": "raw",
            "bookmark": {"dateRange": RANGE, "entries": []},
            **changes,
        }
        present = {name: value for name, value in body.items() if value is not None}
        return ask("POST", "/api/query/stream/bookmark", json=present)

    return send


def test_a_bookmark_feed_is_newest_first_and_ends_without_a_cursor(feed: Ask, world: World) -> None:
    results = feed().json()["results"]
    times = [event["properties"]["time"] for event in results["events"]]
    assert times == sorted(times, reverse=True)
    assert _seen(results["events"]) == _expected(world, BUSY)
    assert results["sentinel_event"] is None


@pytest.mark.parametrize("paging", [{"limit": 7}, {"paging_window": 1}])
def test_the_cursor_leads_to_every_event_once(
    feed: Ask, world: World, paging: dict[str, int]
) -> None:
    seen: list[dict[str, Any]] = []
    pages, cursor = 0, None
    while pages == 0 or cursor:
        results = feed(sentinel_event=cursor, **paging).json()["results"]
        seen += results["events"]
        cursor = results["sentinel_event"]
        pages += 1
    assert pages > 2
    assert _seen(seen) == _expected(world, BUSY)


def test_the_dates_are_those_of_the_bookmark(feed: Ask, world: World) -> None:
    last = {"type": "since", "from": str(STORY.last_day)}
    day = {"type": "relative_after", "window": {"unit": "day", "value": 1}}
    one, other = (
        feed(bookmark={"dateRange": asked}, from_date="2001-01-01").json()["results"]["events"]
        for asked in (last, day)
    )
    assert one == other
    assert 0 < len(one) < len(_expected(world, BUSY))


def test_events_are_included_excluded_and_searched(feed: Ask) -> None:
    whole = feed().json()["results"]["events"]

    def named(**asked: Any) -> list[str]:
        return [event["event"] for event in feed(**asked).json()["results"]["events"]]

    assert set(named(include_events=["Login"])) == {"Login"}
    assert "Login" not in named(exclude_events=["Login"])
    assert len(named(include_events=["Login"])) + len(named(exclude_events=["Login"])) == len(whole)
    by_text = named(search="MUG", search_properties=[{"value": "query", "resourceType": "event"}])
    assert set(by_text) == {"Search"}
    assert len(named(search="mug")) > len(by_text)


@pytest.mark.parametrize(
    ("change", "status", "part"),
    [
        ({"workspace_id": None}, 400, "workspace_id"),
        ({"workspace_id": 1}, 403, "workspace"),
        ({"bookmark": None}, 400, "dateRange"),
        ({"bookmark": {"dateRange": {"type": "between", "from": "x"}}}, 400, "dateRange"),
        ({"include_events": ["a"], "exclude_events": ["b"]}, 400, "exclusive"),
        ({"search_properties": []}, 400, "requires search"),
        ({"limit": 15_001}, 400, "limit"),
        ({"paging_window": 31}, 400, "paging_window"),
        ({"sentinel_event": {"x": 1}}, 400, "sentinel_event"),
        ({"distinct_ids": []}, 400, "distinct_ids"),
    ],
)
def test_wrong_bookmarks_are_refused(
    feed: Ask, change: dict[str, Any], status: int, part: str
) -> None:
    answer = feed(**change)
    assert answer.status_code == status
    assert part in answer.json()["error"]
