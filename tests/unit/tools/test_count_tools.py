"""The tools that count events over time, and the activity feed, on the scripted wire."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mp_mcp.arguments import validated
from mp_mcp.errors import UsageError
from mp_mcp.tool import Tool
from mp_mcp.tools.api import (
    query_activity_feed,
    query_event_counts,
    query_property_counts,
    query_segmentation_average,
    query_segmentation_numeric,
    query_segmentation_sum,
)
from tests.unit.mixpanel.conftest import Script
from tests.unit.tools.wired import answering, counted

pytestmark = pytest.mark.anyio

DAY, NEXT = date(2025, 1, 1), date(2025, 1, 2)
DATES = {"from_date": "2025-01-01", "to_date": "2025-01-02"}
ABOUT_NUMBERS = {"event": "Buy", "on": "price", **DATES}

numeric = query_segmentation_numeric.query_segmentation_numeric
sums = query_segmentation_sum.query_segmentation_sum
averages = query_segmentation_average.query_segmentation_average
event_counts = query_event_counts.query_event_counts
property_counts = query_property_counts.query_property_counts
feed = query_activity_feed.query_activity_feed

CALLS: list[tuple[Any, dict[str, Any]]] = [
    (numeric, ABOUT_NUMBERS),
    (sums, ABOUT_NUMBERS),
    (averages, ABOUT_NUMBERS),
    (event_counts, {"events": ["Buy"], **DATES}),
    (property_counts, {"event": "Buy", "property": "plan", **DATES}),
    (feed, {"users": ["u-1"], **DATES}),
]
each_call = pytest.mark.parametrize(
    ("function", "arguments"), CALLS, ids=[call[0].__name__ for call in CALLS]
)


def accepted(function: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the tool gets them. Raises: UsageError."""
    tool: Tool = function.__mp_tool__
    given = validated(tool, arguments)
    for parameter in (*tool.added, *tool.options):
        given.pop(parameter.name)
    return given


@each_call
async def test_a_range_that_ends_before_it_starts_is_refused_at_no_cost(
    script: Script, function: Any, arguments: dict[str, Any]
) -> None:
    mixpanel, wire = answering(script, {})
    swapped = {**arguments, "from_date": "2025-01-03"}
    with pytest.raises(UsageError, match="before from_date"):
        await function(mixpanel, **accepted(function, swapped))
    assert wire.requests == []


@each_call
async def test_an_unknown_argument_is_refused_by_name(
    function: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match="unknown argument colour"):
        accepted(function, {**arguments, "colour": "red"})


async def test_ranges_of_numbers_are_counted(script: Script) -> None:
    values = {"1,000 - 1,050": {"2025-01-01": 9}, "0 - 50": {"2025-01-02": 2}}
    mixpanel, wire = answering(script, counted(values, "2025-01-02", "2025-01-01"))
    found = await numeric(mixpanel, **accepted(numeric, {**ABOUT_NUMBERS, "type": "unique"}))
    assert found.columns == ["date", "0 - 50", "1,000 - 1,050"]
    assert found.rows == [["2025-01-01", 0, 9], ["2025-01-02", 2, 0]]
    assert found.hint is None
    assert (wire.query["type"], wire.query["unit"]) == ("unique", "day")


@pytest.mark.parametrize(("function", "name"), [(sums, "sum"), (averages, "average")])
async def test_numbers_are_aggregated_per_bucket(script: Script, function: Any, name: str) -> None:
    answer = {"status": "ok", "computed_at": "now", "results": {"2025-01-01": 8.64}}
    mixpanel, wire = answering(script, answer)
    found = await function(mixpanel, **accepted(function, {**ABOUT_NUMBERS, "unit": "hour"}))
    assert (found.columns, found.rows) == (["date", name], [["2025-01-01", 8.64]])
    assert (found.computed_at, found.hint) == ("now", None)
    assert wire.requests[0].url.path == f"/api/query/segmentation/{name}"
    assert wire.query["unit"] == "hour"


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (numeric, counted({}, "2025-01-01")),
        (sums, {"results": {"2025-01-01": 0.0}}),
        (averages, {"results": {"2025-01-01": None}}),
        (averages, {"results": {}}),
    ],
)
async def test_nothing_counted_doubts_the_names(script: Script, function: Any, answer: Any) -> None:
    mixpanel, _ = answering(script, answer)
    found = await function(mixpanel, **accepted(function, ABOUT_NUMBERS))
    assert "inspect_properties" in str(found.hint)
    assert "inspect_events" in str(found.hint)


@pytest.mark.parametrize("function", [numeric, sums, averages])
async def test_numbers_are_counted_by_hour_or_day_only(function: Any) -> None:
    with pytest.raises(UsageError, match="unit"):
        accepted(function, {**ABOUT_NUMBERS, "unit": "week"})


async def test_events_are_compared_and_silent_ones_doubted(script: Script) -> None:
    mixpanel, wire = answering(script, counted({"Buy": {"2025-01-01": 2}}, "2025-01-01"))
    arguments = {"events": "Byu,Buy", "type": "unique", "unit": "month", **DATES}
    found = await event_counts(mixpanel, **accepted(event_counts, arguments))
    assert (found.columns, found.rows) == (["date", "Buy", "Byu"], [["2025-01-01", 2, 0]])
    assert "for Byu:" in str(found.hint)
    assert "inspect_events" in str(found.hint)
    assert wire.query["event"] == '["Byu", "Buy"]'
    assert (wire.query["type"], wire.query["unit"]) == ("unique", "month")


async def test_events_that_all_came_in_are_not_doubted(script: Script) -> None:
    mixpanel, _ = answering(script, counted({"Buy": {"2025-01-01": 2}}))
    assert (await event_counts(mixpanel, ("Buy",), from_date=DAY, to_date=NEXT)).hint is None


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (event_counts, {"events": ["Buy"]}),
        (property_counts, {"event": "Buy", "property": "plan"}),
    ],
)
async def test_users_by_the_hour_are_refused_at_no_cost(
    script: Script, function: Any, arguments: dict[str, Any]
) -> None:
    mixpanel, wire = answering(script, counted({}))
    given = accepted(function, {**arguments, **DATES, "type": "unique", "unit": "hour"})
    with pytest.raises(UsageError, match="unique users by hour"):
        await function(mixpanel, **given)
    assert wire.requests == []


@pytest.mark.parametrize("events", [[], "", " , "])
async def test_a_comparison_needs_an_event(events: Any) -> None:
    with pytest.raises(UsageError, match="events"):
        accepted(event_counts, {"events": events, **DATES})


async def test_values_of_a_property_are_counted(script: Script) -> None:
    values = {"team": {"2025-01-01": 1}, "pro": {"2025-01-01": 5}}
    mixpanel, wire = answering(script, counted(values, "2025-01-01"))
    found = await property_counts(
        mixpanel, "Buy", "plan", from_date=DAY, to_date=NEXT, type="unique"
    )
    assert (found.columns, found.rows) == (["date", "pro", "team"], [["2025-01-01", 5, 1]])
    assert found.hint is None
    assert (wire.query["name"], wire.query["limit"]) == ("plan", "10")
    assert (wire.query["type"], wire.query["unit"]) == ("unique", "day")


async def test_as_many_values_as_asked_for_may_not_be_all(script: Script) -> None:
    mixpanel, _ = answering(script, counted({"pro": {"2025-01-01": 5}}))
    found = await property_counts(mixpanel, "Buy", "plan", from_date=DAY, to_date=NEXT, limit=1)
    assert "raise limit" in str(found.hint)


async def test_no_value_of_a_property_doubts_the_names(script: Script) -> None:
    mixpanel, _ = answering(script, counted({}, "2025-01-01"))
    found = await property_counts(mixpanel, "Buy", "plam", from_date=DAY, to_date=NEXT)
    assert (found.columns, found.rows) == (["date"], [["2025-01-01"]])
    assert "inspect_properties" in str(found.hint)


async def test_a_feed_of_many_events_is_cut_at_the_limit(script: Script) -> None:
    events = [{"event": f"e{n}", "properties": {"time": n, "distinct_id": "u-1"}} for n in range(3)]
    mixpanel, wire = answering(script, {"results": {"events": events}})
    found = await feed(mixpanel, ("u-1", "u-2"), from_date=DAY, to_date=NEXT, limit=2)
    assert [row[:3] for row in found.rows] == [
        ["1970-01-01T00:00:02", "e2", "u-1"],
        ["1970-01-01T00:00:01", "e1", "u-1"],
    ]
    assert found.rows[0][3] == {"time": 2, "distinct_id": "u-1"}
    assert (found.truncated, "3 events in all" in str(found.hint)) == (True, True)
    assert (wire.query["from_date"], wire.query["to_date"]) == ("2025-01-01", "2025-01-02")


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ({}, -29, 0),
        ({"from_date": "", "to_date": None}, -29, 0),
        ({"from_date": "2025-01-01"}, None, 0),
    ],
)
async def test_a_feed_without_dates_is_of_the_last_thirty_days(
    script: Script, given: dict[str, Any], first: int | None, last: int
) -> None:
    today = datetime.now(UTC).date()
    mixpanel, wire = answering(script, {"results": {"events": []}})
    await feed(mixpanel, **accepted(feed, {"users": ["u-1"], **given}))
    assert wire.query["to_date"] == str(today + timedelta(last))
    expected = "2025-01-01" if first is None else str(today + timedelta(first))
    assert wire.query["from_date"] == expected


async def test_a_feed_up_to_a_day_begins_thirty_days_before(script: Script) -> None:
    mixpanel, wire = answering(script, {"results": {"events": []}})
    found = await feed(mixpanel, ("u-1",), to_date=date(2025, 1, 30))
    assert (wire.query["from_date"], wire.query["to_date"]) == ("2025-01-01", "2025-01-30")
    assert found.rows == []
    assert "2025-01-01 to 2025-01-30" in str(found.hint)


@pytest.mark.parametrize("users", ["u-1,7", ["u-1", 7], '["u-1", 7]'])
async def test_users_are_named_as_a_list_or_as_a_shell_sends_them(users: Any) -> None:
    assert accepted(feed, {"users": users})["users"] == ("u-1", "7")


async def test_a_feed_needs_a_user() -> None:
    with pytest.raises(UsageError, match="users"):
        accepted(feed, {"users": []})


@pytest.mark.parametrize("function", [event_counts, property_counts])
async def test_more_buckets_than_anybody_reads_are_refused_at_no_cost(
    script: Script, function: Any
) -> None:
    mixpanel, wire = answering(script, counted({}))
    arguments = dict(CALLS)[function] | {"from_date": "2024-01-01", "to_date": "2024-03-10"}
    with pytest.raises(UsageError, match="100,800 buckets of one minute"):
        await function(mixpanel, **accepted(function, {**arguments, "unit": "minute"}))
    assert wire.requests == []
    await function(mixpanel, **accepted(function, {**arguments, "unit": "hour"}))
    assert len(wire.requests) == 1


async def test_a_property_that_no_event_has_is_doubted(script: Script) -> None:
    days = {"2025-01-01": 3, "2025-01-02": 4}
    mixpanel, _ = answering(script, counted({"undefined": days}, "2025-01-01", "2025-01-02"))
    found = await property_counts(mixpanel, "Buy", "plna", from_date=DAY, to_date=NEXT)
    assert "No event has this property" in str(found.hint)
    mixpanel, _ = answering(script, counted({"undefined": days, "pro": days}, "2025-01-01"))
    found = await property_counts(mixpanel, "Buy", "plan", from_date=DAY, to_date=NEXT)
    assert found.hint is None
