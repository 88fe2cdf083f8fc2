"""The tools of funnels, retention, frequency, flows, saved reports and JQL."""

from typing import Any

import httpx
import pytest

from mp_mcp.arguments import validated
from mp_mcp.errors import MixpanelError, PlanError, UsageError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.jql import DEPRECATED
from mp_mcp.tool import Tool
from mp_mcp.tools.api.query_flows import query_flows
from mp_mcp.tools.api.query_frequency import query_frequency
from mp_mcp.tools.api.query_funnel import query_funnel
from mp_mcp.tools.api.query_jql import query_jql
from mp_mcp.tools.api.query_retention import query_retention
from mp_mcp.tools.api.query_saved_report import query_saved_report
from tests.unit.mixpanel.conftest import Script, Wire
from tests.unit.tools.wired import answering

pytestmark = pytest.mark.anyio

DATES = {"from_date": "2025-01-01", "to_date": "2025-01-31"}
SWAPPED = {"from_date": "2025-01-31", "to_date": "2025-01-01"}
FUNNEL = {"data": {"2025-01-01": {"steps": [{"count": 3, "event": "Login"}]}}}
NOBODY = {"data": {"2025-01-01": {"steps": [{"count": 0, "event": "Login"}]}}}
COHORTS = {"2025-01-01": {"first": 4, "counts": [2]}}


def accepted(function: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the tool gets them. Raises: UsageError."""
    tool: Tool = function.__mp_tool__
    given = validated(tool, arguments)
    for parameter in (*tool.added, *tool.options):
        given.pop(parameter.name)
    return given


async def called(function: Any, wire: Wire, arguments: dict[str, Any]) -> Any:
    return await function(Mixpanel(wire.http), **accepted(function, arguments))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (query_funnel, {"funnel_id": 1}),
        (query_retention, {"born": "Signup"}),
        (query_frequency, {}),
        (query_saved_report, {"bookmark_id": 1, "native": True}),
    ],
)
async def test_a_range_that_ends_before_it_starts_is_refused_at_no_cost(
    script: Script, function: Any, arguments: dict[str, Any]
) -> None:
    mixpanel, wire = answering(script, {})
    with pytest.raises(UsageError, match="before from_date"):
        await function(mixpanel, **accepted(function, {**arguments, **SWAPPED}))
    assert wire.requests == []


async def test_a_funnel_is_broken_down_by_a_property(script: Script) -> None:
    _, wire = answering(script, FUNNEL)
    found = await called(query_funnel, wire, {"funnel_id": 7001, **DATES, "on": "plan"})
    assert found.rows == [["$overall", 1, "Login", 3, 1.0, 1.0, None, None]]
    assert (wire.query["funnel_id"], wire.query["on"]) == ("7001", 'properties["plan"]')


async def test_a_funnel_without_breakdown_has_one_row_per_step(script: Script) -> None:
    _, wire = answering(script, FUNNEL)
    found = await called(
        query_funnel, wire, {"funnel_id": "7001", **DATES, "on": "", "unit": "week"}
    )
    assert found.rows == [[1, "Login", 3, 1.0, 1.0, None, None]]
    assert "on" not in wire.query
    assert wire.query["unit"] == "week"


async def test_retention_is_asked_with_everything_it_is_told(script: Script) -> None:
    _, wire = answering(script, COHORTS)
    arguments = {
        "born": "Signup",
        "return": "Login",
        "born_where": "a",
        "return_where": "b",
        "interval": 2,
        "intervals": 5,
        **DATES,
    }
    found = await called(query_retention, wire, arguments)
    assert found.rows == [["2025-01-01", 4, 2, 0.5]]
    sent = {"born_event": "Signup", "event": "Login", "born_where": "a", "where": "b"}
    assert wire.query.items() >= {**sent, "interval": "2", "interval_count": "5"}.items()


async def test_retention_counts_any_event_as_coming_back_by_default(script: Script) -> None:
    _, wire = answering(script, COHORTS)
    await called(query_retention, wire, {"born": "Signup", "return": "", **DATES})
    assert "event" not in wire.query
    assert (wire.query["unit"], wire.query["interval_count"]) == ("day", "10")


@pytest.mark.parametrize(
    "wrong", [{"interval": 0}, {"interval": 91}, {"intervals": 0}, {"born": ""}]
)
async def test_retention_refuses_what_mixpanel_would(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        accepted(query_retention, {"born": "Signup", **DATES, **wrong})


async def test_frequency_is_counted_in_hours_of_days_by_default(script: Script) -> None:
    _, wire = answering(script, {"data": {"2025-01-01": [3, 1]}})
    found = await called(query_frequency, wire, {"event": "Login", **DATES, "where": "x"})
    assert (found.columns, found.rows) == (
        ["date", "at_least_1", "at_least_2"],
        [["2025-01-01", 3, 1]],
    )
    sent = {"unit": "day", "addiction_unit": "hour", "event": "Login", "where": "x"}
    assert wire.query.items() >= sent.items()


@pytest.mark.parametrize(
    ("function", "arguments", "answer", "hint"),
    [
        (query_funnel, {"funnel_id": 1}, {"data": {}}, "inspect_funnels"),
        (query_funnel, {"funnel_id": 1}, NOBODY, "inspect_funnels"),
        (query_funnel, {"funnel_id": 1, "on": "plan"}, NOBODY, "inspect_funnels"),
        (query_retention, {"born": "Sginup"}, {}, "'Sginup'"),
        (query_retention, {"born": "Sginup"}, {"2025-01-01": {"first": 0}}, "inspect_events"),
        (query_retention, {"born": "Sginup"}, {"2025-01-01": {}}, "'Sginup'"),
        (
            query_retention,
            {"born": "Signup", "return": "Lgoin"},
            {"2025-01-01": {"first": 4, "counts": [0, 0]}},
            "Nobody came back",
        ),
        (query_frequency, {"event": "Lgoin"}, {"data": {}}, "inspect_events"),
        (query_frequency, {}, {"data": {"2025-01-01": [0, 0]}}, "inspect_events"),
    ],
)
async def test_nobody_at_all_doubts_the_names(
    script: Script, function: Any, arguments: dict[str, Any], answer: Any, hint: str
) -> None:
    _, wire = answering(script, answer)
    found = await called(function, wire, {**arguments, **DATES})
    assert hint in str(found.hint)
    assert "inspect_" in str(found.hint)


@pytest.mark.parametrize(
    ("function", "arguments", "answer"),
    [
        (query_funnel, {"funnel_id": 1}, FUNNEL),
        (query_retention, {"born": "Signup"}, COHORTS),
        (query_frequency, {}, {"data": {"2025-01-01": [3, 0]}}),
    ],
)
async def test_somebody_is_no_reason_to_doubt(
    script: Script, function: Any, arguments: dict[str, Any], answer: Any
) -> None:
    _, wire = answering(script, answer)
    assert (await called(function, wire, {**arguments, **DATES})).hint is None


async def test_a_saved_report_is_shown_with_its_name_and_type(script: Script) -> None:
    wire = script(
        httpx.Response(200, json={"results": {"id": 63001, "name": "Trial", "type": "funnels"}}),
        httpx.Response(200, json=FUNNEL),
    )
    arguments = {"bookmark_id": 63001, "native": True, "from_date": "", "to_date": "2025-01-30"}
    found = await called(query_saved_report, wire, arguments)
    assert (found.name, found.type, found.row_count) == ("Trial", "funnels", 1)
    assert (wire.query["from_date"], wire.query["to_date"]) == ("2025-01-01", "2025-01-30")


async def test_flows_are_shown_in_the_view_that_is_asked_for(script: Script) -> None:
    path = {"flowSteps": [{"event": "Login", "type": "ANCHOR", "totalCount": "4"}]}
    _, wire = answering(script, {"flows": [path], "overallConversionRate": "0.5"})
    found = await called(query_flows, wire, {"bookmark_id": 63001, "view": "paths"})
    assert (found.rows, found.conversion_rate) == ([[1, 0, "Login", "ANCHOR", 4]], 0.5)
    assert wire.query["query_type"] == "flows_top_paths"


async def test_jql_works_and_says_that_it_is_deprecated(script: Script) -> None:
    _, wire = answering(script, [{"key": ["Login"], "value": 3}])
    arguments = {"script": "function main() {}", "param": {"event": "Login"}}
    found = await called(query_jql, wire, arguments)
    assert (found.columns, found.rows) == (["key", "value"], [["Login", 3]])
    assert found.hint == DEPRECATED
    form = dict(httpx.QueryParams(wire.requests[0].content.decode()))
    assert form == {"script": "function main() {}", "params": '{"event": "Login"}'}


async def test_jql_is_called_deprecated_before_it_is_chosen() -> None:
    first, _, _ = str(query_jql.__doc__).partition("\n")
    assert "deprecated" in first


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize(
    ("function", "arguments", "lists"),
    [
        (query_funnel, {"funnel_id": 9, **DATES}, "inspect_funnels"),
        (query_flows, {"bookmark_id": 9}, "inspect_bookmarks"),
        (query_saved_report, {"bookmark_id": 9}, "inspect_bookmarks"),
    ],
)
async def test_a_refused_report_says_where_ids_are_listed(
    script: Script, status: int, function: Any, arguments: dict[str, Any], lists: str
) -> None:
    wire = script(httpx.Response(status, json={"error": "there is no such thing: 9"}))
    with pytest.raises(MixpanelError, match="no such thing: 9") as caught:
        await called(function, wire, arguments)
    assert lists in str(caught.value.hint)


@pytest.mark.parametrize("function", [query_funnel, query_flows])
async def test_a_missing_right_is_no_wrong_id(script: Script, function: Any) -> None:
    wire = script(httpx.Response(403, json={"error": "no"}))
    arguments = {"funnel_id": 9, **DATES} if function is query_funnel else {"bookmark_id": 9}
    with pytest.raises(PlanError) as caught:
        await called(function, wire, arguments)
    assert "inspect_" not in str(caught.value.hint)
