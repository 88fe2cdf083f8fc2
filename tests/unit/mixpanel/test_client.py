import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from mp_mcp.errors import HistoryLimitError, PlanError
from mp_mcp.mixpanel.client import Mixpanel, MixpanelLogin
from mp_mcp.mixpanel.connect import mixpanel_for, open_client
from mp_mcp.mixpanel.models import Credentials, Target, Window

from .conftest import Script, streamed

pytestmark = pytest.mark.anyio

TOO_EARLY = httpx.Response(403, json={"error": "Date range exceeds 90 days into the past"})
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


def days_ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


async def test_event_names_are_asked_over_the_whole_history(script: Script) -> None:
    wire = script(httpx.Response(200, json=["Signup", "Login"]))
    assert await Mixpanel(wire.http).event_names() == ["Login", "Signup"]
    assert wire.requests[0].url.path == "/api/query/events/names"
    assert wire.query == {
        "project_id": "42",
        "type": "general",
        "limit": "5000",
        "from_date": "2000-01-01",
        "to_date": days_ago(0),
    }


async def test_event_names_are_asked_again_within_the_history_that_is_kept(script: Script) -> None:
    wire = script(TOO_EARLY, httpx.Response(200, json=["Login"]))
    assert await Mixpanel(wire.http).event_names(limit=7) == ["Login"]
    assert (wire.query["from_date"], wire.query["limit"]) == (days_ago(90), "7")


async def test_event_names_are_asked_twice_at_most(script: Script) -> None:
    wire = script(TOO_EARLY)
    with pytest.raises(HistoryLimitError, match="90 days"):
        await Mixpanel(wire.http).event_names()
    assert len(wire.requests) == 2


@pytest.mark.parametrize("envelope", [[REPORT], {"results": [REPORT]}])
async def test_saved_reports_are_read_from_both_envelopes(script: Script, envelope: object) -> None:
    wire = script(httpx.Response(200, json={"status": "ok", "results": envelope}))
    (report,) = await Mixpanel(wire.http).bookmarks(type="insights")
    assert (report.id, report.name, report.creator_name) == (63001, "MRR", "Ana")
    assert (report.dashboard_id, report.params) == (88, {"sections": {}})
    assert wire.requests[0].url.path == "/api/app/projects/42/bookmarks"
    assert wire.query == {"v": "2", "type": "insights"}


async def test_saved_reports_of_a_data_view_are_asked_there(script: Script) -> None:
    target = Target(Credentials("oauth", "tok"), "42", workspace_id="4201")
    wire = script(httpx.Response(200, json={"results": []}), target=target)
    assert await Mixpanel(wire.http).bookmarks() == []
    assert wire.requests[0].url.path == "/api/app/workspaces/4201/bookmarks"
    assert wire.query == {"v": "2"}


async def test_a_segmentation_without_breakdown_sends_no_limit(script: Script) -> None:
    answer = {"data": {"series": ["2025-01-01"], "values": {"Login": {"2025-01-01": 5}}}}
    wire = script(httpx.Response(200, json=answer))
    series = await Mixpanel(wire.http).segmentation(
        "Login", date(2025, 1, 1), date(2025, 1, 1), limit=5
    )
    assert (series.columns, series.rows) == (["date", "Login"], [["2025-01-01", 5]])
    assert wire.query == {
        "project_id": "42",
        "event": "Login",
        "from_date": "2025-01-01",
        "to_date": "2025-01-01",
        "unit": "day",
        "type": "general",
    }


async def test_a_segmentation_by_property_has_a_column_per_value(script: Script) -> None:
    values = {"team": {"2025-01-01": 1}, "pro": {"2025-01-02": 9}}
    answer = {"data": {"series": ["2025-01-02", "2025-01-01"], "values": values}}
    wire = script(httpx.Response(200, json=answer))
    series = await Mixpanel(wire.http).segmentation(
        "Login",
        date(2025, 1, 1),
        date(2025, 1, 2),
        on="plan",
        unit="week",
        where='properties["seats"] > 3',
        type="unique",
        limit=2,
    )
    assert series.columns == ["date", "pro", "team"]
    assert series.rows == [["2025-01-01", 0, 1], ["2025-01-02", 9, 0]]
    assert wire.query["on"] == 'properties["plan"]'
    assert (wire.query["where"], wire.query["limit"]) == ('properties["seats"] > 3', "2")
    assert (wire.query["unit"], wire.query["type"]) == ("week", "unique")


async def test_the_user_is_asked_without_a_project(script: Script) -> None:
    wire = script(httpx.Response(200, json={"status": "ok", "results": {"user_id": 9}}))
    assert (await MixpanelLogin(wire.http).me()).user_id == "9"
    assert wire.requests[0].url.path == "/api/app/me"
    assert "project_id" not in wire.query


async def test_an_export_goes_to_its_own_host(script: Script, tmp_path: Path) -> None:
    wire = script(streamed(b'{"event":"Login","properties":{}}\n'))
    day = date(2025, 1, 1)
    exported = await Mixpanel(wire.http).export(tmp_path, Window(day, day))
    assert exported.bytes == 34
    assert wire.requests[0].url.host == "data.mixpanel.com"
    assert wire.requests[0].url.path == "/api/2.0/export"


async def test_a_handle_says_whom_it_asks(target: Target) -> None:
    async with open_client() as pool:
        assert mixpanel_for(pool, target).target is target
    assert (Mixpanel.asks_mixpanel, Mixpanel.writes) == (True, False)


async def test_no_access_is_said_without_following_the_redirect(script: Script) -> None:
    wire = script(httpx.Response(302, headers={"Location": "/request_access/?next=x"}))
    with pytest.raises(PlanError, match="no access"):
        await Mixpanel(wire.http).bookmarks()
    assert len(wire.requests) == 1


def test_tools_do_not_pay_for_the_http_library() -> None:
    program = "import sys, mp_mcp.mixpanel.client; print('httpx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "False\n"
