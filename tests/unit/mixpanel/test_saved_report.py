"""Which endpoint answers for a saved report, and what becomes of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from mp_mcp.errors import (
    CredentialsError,
    MixpanelError,
    MixpanelUnavailableError,
    NotFoundError,
    UsageError,
)
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.saved_report import bookmark_of, report_of, saved_report

from .conftest import Answer, Script, Wire

pytestmark = pytest.mark.anyio

SERIES = {
    "computed_at": "2025-01-09T10:00:00.123456+00:00",
    "date_range": {
        "from_date": "2025-01-01T00:00:00-08:00",
        "to_date": "2025-01-07T23:59:59.999000-08:00",
    },
    "headers": ["$event"],
    "series": {"Login": {"2025-01-01T00:00:00-08:00": 120}},
    "meta": {"min_sampling_factor": 1.0, "is_segmentation_limit_hit": False, "report_sections": {}},
}
FLOWS = {"steps": [{"nodes": [{"event": "Login", "totalCount": "3"}]}], "overallConversionRate": 1}
FUNNEL = {"data": {"2025-01-01": {"steps": [{"count": 3, "event": "Login"}]}}}
RETENTION = {"2025-01-01T00:00:00": {"first": 2, "counts": [1], "rates": [0.5]}}
MISSING = httpx.Response(404, json={"status": "error", "error": "Not found: /api/app/..."})
REFUSED = httpx.Response(400, json={"request": "/api/query/insights", "error": "bad bookmark"})


def known(kind: str, *, envelopes: int = 1) -> httpx.Response:
    found: Any = {"id": 63001, "name": "MRR", "type": kind, "params": "{}", "can_view": True}
    for _ in range(envelopes):
        found = {"results": found}
    return httpx.Response(200, json={"status": "ok", **found})


def ok(answer: Any) -> httpx.Response:
    return httpx.Response(200, json=answer)


def paths(wire: Wire) -> list[str]:
    return [request.url.path for request in wire.requests]


@pytest.mark.parametrize("kind", ["insights", "retention", "funnels", "launch-analysis"])
async def test_a_report_of_most_types_is_asked_at_insights(script: Script, kind: str) -> None:
    wire = script(known(kind), ok(SERIES))
    report = await saved_report(Mixpanel(wire.http), 63001)
    assert paths(wire) == ["/api/app/projects/42/bookmarks/63001", "/api/query/insights"]
    assert dict(wire.requests[0].url.params) == {"v": "2"}
    assert wire.query == {"project_id": "42", "bookmark_id": "63001"}
    assert (report.name, report.type) == ("MRR", kind)
    assert (report.columns, report.rows) == (["date", "Login"], [["2025-01-01", 120]])
    assert (report.from_date, report.to_date) == ("2025-01-01", "2025-01-07")
    assert report.computed_at == SERIES["computed_at"]


async def test_flows_are_asked_where_flows_are(script: Script) -> None:
    wire = script(known("flows", envelopes=2), ok(FLOWS))
    report = await saved_report(Mixpanel(wire.http), 63001)
    assert paths(wire)[1:] == ["/api/query/arb_funnels"]
    assert wire.query["query_type"] == "flows_sankey"
    assert (report.type, report.name, report.conversion_rate) == ("flows", "MRR", 1)
    assert report.rows == [[0, "Login", None, 3, None, None, None]]


async def test_a_report_of_a_data_view_is_looked_up_there(script: Script) -> None:
    target = Target(Credentials("oauth", "tok"), "42", workspace_id="4201")
    wire = script(known("insights"), ok(SERIES), target=target)
    await saved_report(Mixpanel(wire.http), 63001)
    assert paths(wire)[0] == "/api/app/workspaces/4201/bookmarks/63001"


@pytest.mark.parametrize("lookup", [MISSING, httpx.Response(403), httpx.Response(302), ok([1])])
async def test_a_report_of_unknown_type_is_asked_at_insights(
    script: Script, lookup: Answer
) -> None:
    wire = script(lookup, ok(SERIES))
    report = await saved_report(Mixpanel(wire.http), 63001)
    assert paths(wire)[1:] == ["/api/query/insights"]
    assert (report.name, report.type, report.row_count) == (None, None, 1)


async def test_a_project_secret_gets_the_report_without_its_name(script: Script) -> None:
    wire = script(ok(SERIES), target=Target(Credentials("project_secret", "abcdef"), "42"))
    report = await saved_report(Mixpanel(wire.http), 63001)
    assert (paths(wire), report.row_count) == (["/api/query/insights"], 1)


@pytest.mark.parametrize("refusal", [REFUSED, ok({"error": "unsupported"}), MISSING])
async def test_what_insights_refuses_is_tried_once_as_flows(
    script: Script, refusal: Answer
) -> None:
    wire = script(MISSING, refusal, ok(FLOWS))
    report = await saved_report(Mixpanel(wire.http), 63001)
    assert paths(wire)[1:] == ["/api/query/insights", "/api/query/arb_funnels"]
    assert (report.type, report.conversion_rate) == ("flows", 1)


async def test_a_report_that_nobody_knows_is_refused_in_the_first_words(script: Script) -> None:
    refused_again = httpx.Response(400, json={"error": "no flows either"})
    wire = script(MISSING, REFUSED, refused_again)
    with pytest.raises(MixpanelError, match="bad bookmark") as caught:
        await saved_report(Mixpanel(wire.http), 63001)
    assert "inspect_bookmarks" in str(caught.value.hint)
    assert len(wire.requests) == 3


async def test_a_report_of_known_type_is_not_guessed_to_be_flows(script: Script) -> None:
    wire = script(known("insights"), MISSING)
    with pytest.raises(NotFoundError) as caught:
        await saved_report(Mixpanel(wire.http), 63001)
    assert "inspect_bookmarks" in str(caught.value.hint)
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(httpx.Response(401), CredentialsError), (httpx.Response(502), MixpanelUnavailableError)],
)
async def test_other_failures_are_no_reason_to_guess(
    script: Script, answer: Answer, expected: type[Exception]
) -> None:
    wire = script(MISSING, answer)
    with pytest.raises(expected):
        await saved_report(Mixpanel(wire.http), 63001)
    assert "/api/query/arb_funnels" not in paths(wire)


async def test_a_native_funnel_is_asked_for_the_last_thirty_days(script: Script) -> None:
    wire = script(known("funnels"), ok(FUNNEL))
    report = await saved_report(Mixpanel(wire.http), 63001, native=True)
    assert paths(wire)[1:] == ["/api/query/funnels"]
    today = datetime.now(UTC).date()
    range_ = [(today - timedelta(days=29)).isoformat(), today.isoformat()]
    assert [wire.query["funnel_id"], wire.query["from_date"], wire.query["to_date"]] == [
        "63001",
        *range_,
    ]
    assert [report.from_date, report.to_date, report.type] == [*range_, "funnels"]
    assert report.rows == [[1, "Login", 3, 1.0, 1.0, None, None]]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (
            {"from_date": date(2025, 1, 1), "to_date": date(2025, 1, 2)},
            ("2025-01-01", "2025-01-02"),
        ),
        ({"to_date": date(2025, 1, 30)}, ("2025-01-01", "2025-01-30")),
        ({"from_date": date(2200, 1, 1)}, ("2200-01-01", "2200-01-01")),
    ],
)
async def test_a_native_funnel_takes_dates(
    script: Script, given: dict[str, date], asked: tuple[str, str]
) -> None:
    wire = script(known("funnels"), ok(FUNNEL))
    await saved_report(
        Mixpanel(wire.http),
        63001,
        native=True,
        from_date=given.get("from_date"),
        to_date=given.get("to_date"),
    )
    assert (wire.query["from_date"], wire.query["to_date"]) == asked


async def test_native_retention_is_asked_by_bookmark(script: Script) -> None:
    wire = script(known("retention"), ok(RETENTION))
    report = await saved_report(Mixpanel(wire.http), 63001, native=True)
    assert paths(wire)[1:] == ["/api/query/retention"]
    assert wire.query == {"project_id": "42", "bookmark_id": "63001"}
    assert report.rows == [["2025-01-01", 2, 1, 0.5]]


@pytest.mark.parametrize(
    "lookup",
    [MISSING, httpx.Response(403), httpx.Response(302), ok([1]), ok({"results": {"id": 63001}})],
)
async def test_native_is_refused_when_the_type_is_not_told(script: Script, lookup: Answer) -> None:
    wire = script(lookup, ok(SERIES))
    with pytest.raises(UsageError, match="type is unknown") as caught:
        await saved_report(Mixpanel(wire.http), 63001, native=True, to_date=date(2025, 1, 1))
    assert "credentials that can read bookmarks" in str(caught.value.hint)
    assert len(wire.requests) == 1


async def test_native_is_refused_to_a_project_secret(script: Script) -> None:
    wire = script(ok(SERIES), target=Target(Credentials("project_secret", "abcdef"), "42"))
    with pytest.raises(UsageError, match="type is unknown"):
        await saved_report(Mixpanel(wire.http), 63001, native=True)
    assert wire.requests == []


async def test_a_lookup_that_mixpanel_cannot_answer_now_does_not_change_what_native_means(
    script: Script,
) -> None:
    wire = script(httpx.Response(502))
    with pytest.raises(MixpanelUnavailableError):
        await saved_report(Mixpanel(wire.http), 63001, native=True)
    assert "/api/query/insights" not in paths(wire)


@pytest.mark.parametrize(("kind", "native"), [("insights", True), ("funnels", False)])
async def test_dates_that_mixpanel_would_ignore_are_refused_at_no_cost(
    script: Script, kind: str, native: bool
) -> None:
    wire = script(known(kind), ok(SERIES))
    with pytest.raises(UsageError, match="range of its own"):
        await saved_report(Mixpanel(wire.http), 63001, native=native, to_date=date(2025, 1, 1))
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("meta", "truncated", "hint"),
    [
        ({"is_segmentation_limit_hit": True}, True, "left segments out"),
        ({"min_sampling_factor": 0.1}, False, "10%"),
        ({}, False, None),
        (None, False, None),
    ],
)
async def test_what_is_left_out_is_said(meta: Any, truncated: bool, hint: str | None) -> None:
    report = report_of({**SERIES, "meta": meta, "date_range": None})
    assert report.truncated is truncated
    assert (hint in str(report.hint)) if hint else report.hint is None
    assert report.from_date is None


@pytest.mark.parametrize("answer", [None, [1], {"results": [1]}, {"name": "no id"}])
async def test_a_bookmark_of_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        bookmark_of(answer)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("dates", "row"),
    [
        (("8999-12-25", "9000-01-01", "9000-01-08"), [2, 1, None, 0.5, None]),
        (("8999-11-01", "8999-12-01", "9000-01-01"), [2, 1, None, 0.5, None]),
        # How far apart they are is not known.
        (("9000-01-01",), [2, 1, 0, 0.5, 0.0]),
    ],
)
async def test_saved_retention_has_null_for_what_has_not_begun(
    script: Script, native: bool, dates: tuple[str, ...], row: list[Any]
) -> None:
    cohorts = {f"{date}T00:00:00": {"first": 2, "counts": [1, 0]} for date in dates}
    answer: Any = cohorts if native else {"series": {"Retention": cohorts}, "headers": ["$metric"]}
    wire = script(known("retention"), ok(answer))
    report = await saved_report(Mixpanel(wire.http), 63001, native=native)
    assert [found[-5:] for found in report.rows] == [row] * len(dates)
