"""Which answers may be given again, and which name the zone of their days."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mp_mcp.mixpanel.activity_feed import activity_feed
from mp_mcp.mixpanel.bookmarks import bookmarks
from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.cohorts import cohorts
from mp_mcp.mixpanel.event_counts import event_counts
from mp_mcp.mixpanel.flows import flows
from mp_mcp.mixpanel.frequency import frequency
from mp_mcp.mixpanel.funnel_list import funnel_list
from mp_mcp.mixpanel.funnels import funnel
from mp_mcp.mixpanel.jql import jql
from mp_mcp.mixpanel.lexicon import lexicon_schema, lexicon_schemas
from mp_mcp.mixpanel.properties import event_properties, property_values
from mp_mcp.mixpanel.property_counts import property_counts
from mp_mcp.mixpanel.retention import retention
from mp_mcp.mixpanel.saved_report import saved_report
from mp_mcp.mixpanel.segmentation import (
    segmentation,
    segmentation_aggregate,
    segmentation_numeric,
)
from mp_mcp.mixpanel.top_events import top_events
from mp_mcp.mixpanel.zones import Zones
from mp_mcp.state import open_state

from .conftest import Script

pytestmark = pytest.mark.anyio

Ask = Callable[[Mixpanel], Awaitable[Any]]

THEN = date(2025, 1, 1)
COUNTS: dict[str, Any] = {"data": {"series": [], "values": {}}}
NUMBERS: dict[str, Any] = {"results": {}}
FEED: dict[str, Any] = {"results": {"events": []}}
ME = "/api/app/me"


def today() -> date:
    return datetime.now(UTC).date()


NAMES: dict[str, tuple[Ask, Any, float]] = {
    "properties": (lambda m: event_properties(m, "e"), {}, 300),
    "values": (lambda m: property_values(m, "p", limit=1), [], 300),
    "bookmarks": (bookmarks, [], 300),
    "funnels": (funnel_list, [], 300),
    "cohorts": (cohorts, [], 300),
    "schemas": (lexicon_schemas, [], 900),
    "schema": (lambda m: lexicon_schema(m, "event", "e"), {}, 900),
}
RANGES: dict[str, tuple[Callable[[Mixpanel, date], Awaitable[Any]], Any]] = {
    "segmentation": (lambda m, day: segmentation(m, "e", THEN, day), COUNTS),
    "numeric": (lambda m, day: segmentation_numeric(m, "e", THEN, day, on="p"), COUNTS),
    "sum": (lambda m, day: segmentation_aggregate(m, "sum", "e", THEN, day, on="p"), NUMBERS),
    "events": (lambda m, day: event_counts(m, ["e"], THEN, day), COUNTS),
    "properties": (lambda m, day: property_counts(m, "e", "p", THEN, day, limit=1), COUNTS),
    "frequency": (lambda m, day: frequency(m, THEN, day), {}),
    "retention": (lambda m, day: retention(m, "e", THEN, day), {}),
    "weekly retention": (
        lambda m, day: retention(m, "e", THEN, day, unit="week", interval_count=3),
        {},
    ),
    "funnel": (lambda m, day: funnel(m, 1, THEN, day), {"data": {}}),
}
DAYS_AFTER = {"retention": 11, "weekly retention": 28, "funnel": 90}
"""Users may still come back, or convert, so long after the last day."""

REPORT: dict[str, Any] = {"id": 1, "name": "A", "series": {}, "steps": []}
"""An answer to the look-up of a report, and to the report itself."""

REPORTS: dict[str, tuple[Ask, str, bool]] = {
    "flows": (lambda m: flows(m, 1), "flows", False),
    "saved insights": (lambda m: saved_report(m, 1), "insights", True),
    "saved funnel": (lambda m: saved_report(m, 1), "funnels", True),
    "saved flows": (lambda m: saved_report(m, 1), "flows", False),
    "native retention": (lambda m: saved_report(m, 1, native=True), "retention", True),
}
CHANGES: dict[str, tuple[Ask, Any]] = {
    "top events": (lambda m: top_events(m, "general", 1), {"events": []}),
    "feed": (lambda m: activity_feed(m, ["u"], THEN, THEN), FEED),
    "jql": (lambda m: jql(m, "function main() {}"), []),
}


async def asked_for(script: Script, answer: Any, ask: Ask, *after_s: float) -> list[str]:
    """The paths that Mixpanel sees when the same is asked at once, and after so many seconds."""
    wire = script(httpx.Response(200, json=answer))
    state = open_state(Path(":memory:"))
    now = [1_000_000.0]
    cache = AnswerCache(state, clock=lambda: now[0])
    zones = Zones(cache)
    for passed in (0.0, *after_s):
        now[0] = 1_000_000.0 + passed
        await ask(Mixpanel(wire.http, cache=cache, zones=zones))
    state.close()
    return [request.url.path for request in wire.requests]


@pytest.mark.parametrize("name", NAMES)
async def test_lists_of_names_are_kept_for_minutes_and_have_no_zone(
    script: Script, name: str
) -> None:
    ask, answer, keep_s = NAMES[name]
    assert len(await asked_for(script, answer, ask, 0, keep_s - 1)) == 1
    paths = await asked_for(script, answer, ask, 0, keep_s + 1)
    assert (len(paths), ME in paths) == (2, False)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize(("days_ago", "keep_s"), [(0, 60), (3, 3600), (30, 7 * 86400)])
async def test_ranges_are_kept_by_their_last_day_and_name_their_zone(
    script: Script, name: str, days_ago: int, keep_s: float
) -> None:
    ask, answer = RANGES[name]
    last = today() - timedelta(days=days_ago + DAYS_AFTER.get(name, 0))
    short = await asked_for(script, answer, lambda m: ask(m, last), keep_s - 1)
    assert len([path for path in short if path != ME]) == 1
    assert ME in short
    long = await asked_for(script, answer, lambda m: ask(m, last), keep_s + 1)
    assert len([path for path in long if path != ME]) == 2


@pytest.mark.parametrize("name", REPORTS)
async def test_saved_reports_whose_range_is_open_are_kept_for_a_minute(
    script: Script, name: str
) -> None:
    ask, kind, is_zoned = REPORTS[name]
    answer = {**REPORT, "type": kind, "2025-01-01": {"first": 1, "counts": [1]}}
    for passed_s, questions in ((59, 1), (61, 2), (299, 2)):
        paths = await asked_for(script, answer, ask, passed_s)
        assert len([path for path in paths if path.startswith("/api/query/")]) == questions
        # The name and the type change less often.
        assert len([path for path in paths if "/bookmarks/" in path]) == (name != "flows")
        assert (ME in paths) is is_zoned


async def test_a_report_is_as_old_as_its_numbers_not_as_its_name(script: Script) -> None:
    ages: list[str | None] = []

    async def ask(mixpanel: Mixpanel) -> None:
        report = await saved_report(mixpanel, 1)
        mixpanel.complete(report)
        ages.append(report.cached_at)

    await asked_for(script, {**REPORT, "type": "insights"}, ask, 59, 61)
    assert [age is not None for age in ages] == [False, True, False]


@pytest.mark.parametrize("name", CHANGES)
async def test_what_changes_by_the_minute_is_never_kept(script: Script, name: str) -> None:
    ask, answer = CHANGES[name]
    paths = await asked_for(script, answer, ask, 0, 0)
    assert len([path for path in paths if path != ME]) == 3
    # The times of a feed are in no zone that we know; top events are those of the project's day.
    assert (ME in paths) is (name == "top events")
