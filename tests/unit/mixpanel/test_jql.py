"""`POST query/jql` on the wire, its rows, and what its refusals mean."""

import json
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import (
    CredentialsError,
    HistoryLimitError,
    MixpanelError,
    MixpanelUnavailableError,
    NotFoundError,
    PlanError,
    RateLimitedError,
)
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.jql import DEPRECATED, jql, jql_rows_of
from mp_mcp.mixpanel.jql_refusals import script_error
from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.segmentation import segmentation

from .conftest import SECRET, Script, Wire

SCRIPT = 'function main() { return Events({"event": "ü & y=1"}) }'
THROWN = (
    "UserVisiblePreconditionFailedError: Uncaught exception TypeError: "
    "Events(...).groupBy(...).limit is not a function\n"
    "  .limit(10);\n"
    "   ^\n"
    "\n"
    "Stack trace:\n"
    "TypeError: Events(...).groupBy(...).limit is not a function\n"
    "    at main (<anonymous>:7:4)\n"
)


def form_of(wire: Wire) -> dict[str, str]:
    return dict(httpx.QueryParams(wire.requests[-1].content.decode()))


@pytest.mark.anyio
async def test_a_script_travels_as_a_form_with_its_params_as_text(script: Script) -> None:
    wire = script(httpx.Response(200, json=[]))
    await jql(Mixpanel(wire.http), SCRIPT, {"event": "Kauf ü", "days": [1, 2]})
    request = wire.requests[0]
    assert (request.method, request.url.path) == ("POST", "/api/query/jql")
    assert wire.query == {"project_id": "42"}
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = form_of(wire)
    assert form.keys() == {"script", "params"}
    assert form["script"] == SCRIPT
    assert json.loads(form["params"]) == {"event": "Kauf ü", "days": [1, 2]}


@pytest.mark.anyio
async def test_a_script_without_params_sends_none(script: Script) -> None:
    wire = script(httpx.Response(200, json=[]))
    await jql(Mixpanel(wire.http), SCRIPT)
    assert form_of(wire) == {"script": SCRIPT}


@pytest.mark.parametrize(
    ("answer", "columns", "rows"),
    [
        ([{"key": ["US"], "value": 12}], ["key", "value"], [["US", 12]]),
        (
            [{"key": ["US", 1], "value": [12, 0.5]}, {"key": ["PT", None], "value": [3, 0]}],
            ["key_1", "key_2", "value_1", "value_2"],
            [["US", 1, 12, 0.5], ["PT", None, 3, 0]],
        ),
        (
            [{"key": ["US"], "value": [1]}, {"key": "PT", "value": [1, 2]}],
            ["key", "value"],
            [[["US"], [1]], ["PT", [1, 2]]],
        ),
        ([{"key": [], "value": {"a": 1}}], ["key", "value"], [[[], {"a": 1}]]),
        (
            [{"name": "Login", "time": 1}, {"name": "Buy", "properties": {"a": 1}}],
            ["name", "time", "properties"],
            [["Login", 1, None], ["Buy", None, {"a": 1}]],
        ),
        ([{"key": 1, "value": 2}, {"key": 1}], ["key", "value"], [[1, 2], [1, None]]),
        ([1402], ["value"], [[1402]]),
        ([1, "a", None, {"b": 1}, [2]], ["value"], [[1], ["a"], [None], [{"b": 1}], [[2]]]),
        ([], ["value"], []),
    ],
)
def test_results_become_columns(answer: Any, columns: list[str], rows: Any) -> None:
    found = jql_rows_of(answer)
    assert (found.columns, found.rows) == (columns, rows)
    assert found.hint == DEPRECATED


@pytest.mark.parametrize("answer", [None, 5, "text", {"a": 1}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        jql_rows_of(answer)


cells = st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=3)
results = st.one_of(
    cells,
    st.fixed_dictionaries({"key": cells, "value": cells}),
    st.dictionaries(st.text(), cells, max_size=3),
)


@given(st.lists(results) | st.lists(st.fixed_dictionaries({"key": cells, "value": cells})))
def test_every_result_is_one_whole_row(answer: list[Any]) -> None:
    found = jql_rows_of(answer)
    assert found.row_count == len(answer) == len(found.rows)
    assert all(len(row) == len(found.columns) for row in found.rows)


@pytest.mark.anyio
async def test_a_script_that_throws_is_shown_with_its_line(script: Script) -> None:
    wire = script(httpx.Response(412, json={"request": "/api/query/jql", "error": THROWN}))
    with pytest.raises(MixpanelError) as caught:
        await jql(Mixpanel(wire.http), SCRIPT)
    assert type(caught.value) is MixpanelError
    assert caught.value.message == (
        "The JQL script fails: TypeError: Events(...).groupBy(...).limit is not a function, "
        "line 7: .limit(10);"
    )
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "UserVisiblePreconditionFailedError: groupBy accepts at most 8 reducers",
            "groupBy accepts at most 8 reducers",
        ),
        ("SyntaxError: Unexpected token", "SyntaxError: Unexpected token"),
        ("Uncaught exception Error: mine", "Error: mine"),
        ("", "Mixpanel gives no reason"),
        ("x" * 500, "x" * 200 + "…"),
    ],
)
def test_other_failures_of_scripts_say_what_mixpanel_says(text: str, told: str) -> None:
    assert script_error(text) == told


@given(st.text() | st.text().map(lambda text: THROWN + text))
def test_any_failure_of_a_script_is_one_short_line(text: str) -> None:
    told = script_error(text)
    assert 0 < len(told) < 400
    assert "\n" not in told


@pytest.mark.anyio
async def test_a_secret_in_the_script_is_not_repeated(script: Script) -> None:
    error = f"Uncaught exception Error: {SECRET}\n  x('{SECRET}')\n  ^"
    wire = script(httpx.Response(412, json={"error": error}))
    with pytest.raises(MixpanelError) as caught:
        await jql(Mixpanel(wire.http), SCRIPT)
    assert SECRET not in caught.value.message
    assert "Error: ***: x('***')" in caught.value.message


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (404, "Not found", NotFoundError),
        (410, "", NotFoundError),
        (400, "Invalid API endpoint", NotFoundError),
        (403, "JQL is disabled", PlanError),
    ],
)
async def test_a_project_without_jql_is_told_what_to_use_instead(
    script: Script, status: int, text: str, expected: type[MixpanelError]
) -> None:
    wire = script(httpx.Response(status, json={"request": "/api/query/jql", "error": text}))
    with pytest.raises(expected) as caught:
        await jql(Mixpanel(wire.http), SCRIPT)
    assert type(caught.value) is expected
    assert "JQL is not available for this project any more" in caught.value.message
    assert text in caught.value.message
    assert "fetch_events" in str(caught.value.hint)
    assert "query_sql" in str(caught.value.hint)
    assert "data view" not in str(caught.value.hint)


@pytest.mark.anyio
async def test_a_data_view_without_jql_may_be_the_reason(script: Script, target: Target) -> None:
    view = Target(target.credentials, target.project_id, workspace_id="4201")
    wire = script(httpx.Response(403, json={"error": "no"}), target=view)
    with pytest.raises(PlanError) as caught:
        await jql(Mixpanel(wire.http), SCRIPT)
    assert "ask without a data view" in str(caught.value.hint)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(401), CredentialsError),
        (httpx.Response(400, text="Unable to authenticate request"), CredentialsError),
        (httpx.Response(400, json={"error": "script is missing"}), MixpanelError),
        (httpx.Response(402), PlanError),
        (httpx.Response(403, json={"error": "Date range exceeds 90 days"}), HistoryLimitError),
        (httpx.Response(429, headers={"Retry-After": "99"}), RateLimitedError),
        (httpx.Response(500), MixpanelUnavailableError),
    ],
)
async def test_other_refusals_mean_what_they_mean_elsewhere(
    script: Script, answer: httpx.Response, expected: type[Exception]
) -> None:
    wire = script(answer)
    with pytest.raises(expected) as caught:
        await jql(Mixpanel(wire.http), SCRIPT)
    assert type(caught.value) is expected
    assert "JQL" not in str(caught.value)


@pytest.mark.anyio
async def test_other_endpoints_do_not_speak_of_jql(script: Script) -> None:
    wire = script(httpx.Response(412, text=THROWN))
    with pytest.raises(MixpanelError) as caught:
        await segmentation(Mixpanel(wire.http), "Login", date(2025, 1, 1), date(2025, 1, 1))
    assert "JQL" not in caught.value.message
