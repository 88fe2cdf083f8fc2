"""`GET app/.../bookmarks` on the wire, and the shapes of its answers."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError, PlanError
from mp_mcp.mixpanel.bookmarks import Bookmark, bookmarks, bookmarks_of
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.models import Credentials, Target

from .conftest import Script
from .shapes import texts

REPORT = {
    "id": 63001,
    "name": "MRR",
    "type": "insights",
    "created": "2025-01-02T03:04:05",
    "creator_name": "Ana",
    "dashboard_id": 88,
    "params": '{"sections": {}}',
    "can_view": True,
}

reports = st.fixed_dictionaries(
    {"id": st.integers(1, 2**53)},
    optional={
        "name": texts,
        "type": texts,
        "created": texts,
        "creator_name": texts,
        "dashboard_id": st.none() | st.integers(),
        "params": texts | st.dictionaries(st.text(), st.integers()),
        "metadata": st.dictionaries(st.text(), st.text()),
    },
)


@pytest.mark.anyio
@pytest.mark.parametrize("envelope", [[REPORT], {"results": [REPORT]}])
async def test_saved_reports_are_read_from_both_envelopes(script: Script, envelope: object) -> None:
    wire = script(httpx.Response(200, json={"status": "ok", "results": envelope}))
    (report,) = await bookmarks(Mixpanel(wire.http), "insights")
    assert (report.id, report.name, report.creator_name) == (63001, "MRR", "Ana")
    assert (report.dashboard_id, report.params) == (88, {"sections": {}})
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/app/projects/42/bookmarks"
    assert wire.query == {"v": "2", "type": "insights"}


@pytest.mark.anyio
async def test_saved_reports_of_a_data_view_are_asked_there(script: Script) -> None:
    target = Target(Credentials("oauth", "tok"), "42", workspace_id="4201")
    wire = script(httpx.Response(200, json={"results": []}), target=target)
    assert await bookmarks(Mixpanel(wire.http)) == []
    assert wire.requests[0].url.path == "/api/app/workspaces/4201/bookmarks"
    assert wire.query == {"v": "2"}


@pytest.mark.anyio
async def test_no_access_is_said_without_following_the_redirect(script: Script) -> None:
    wire = script(httpx.Response(302, headers={"Location": "/request_access/?next=x"}))
    with pytest.raises(PlanError, match="no access"):
        await bookmarks(Mixpanel(wire.http))
    assert len(wire.requests) == 1


@given(st.lists(reports, max_size=4), st.integers(0, 2))
def test_saved_reports_are_read_from_any_envelope(sent: list[Any], envelopes: int) -> None:
    answer: Any = sent
    for _ in range(envelopes):
        answer = {"results": answer}
    assert [bookmark.id for bookmark in bookmarks_of(answer)] == [entry["id"] for entry in sent]


def test_a_report_definition_is_decoded_and_not_returned() -> None:
    bookmark = Bookmark.model_validate({"id": "7", "params": '{"sections": {}}', "unknown": 1})
    assert bookmark.params == {"sections": {}}
    assert "params" not in bookmark.model_dump()
    assert Bookmark(id=7, params="no json").params == "no json"


@pytest.mark.parametrize(
    "odd", [{"dashboard_id": ""}, {"dashboard_id": 1.5}, {"name": ["x"]}, {"workspace_id": {}}]
)
def test_one_odd_report_does_not_cost_the_others(odd: dict[str, Any]) -> None:
    first, second = bookmarks_of([{**REPORT, **odd}, REPORT])
    assert [getattr(first, name) for name in odd] == [None]
    assert (first.id, first.creator_name) == (63001, "Ana")
    assert second.dashboard_id == 88


@pytest.mark.parametrize("number", [None, "", "x", 1.5])
def test_a_report_without_an_id_is_an_error_not_a_guess(number: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        bookmarks_of([REPORT, {**REPORT, "id": number}])


@pytest.mark.parametrize("answer", [None, 5, "text", [{"a": 1}], {"a": [1]}, {"results": 7}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        bookmarks_of(answer)
