from datetime import date
from typing import Any

import httpx
import pytest

from mp_mcp.errors import UsageError
from mp_mcp.mixpanel.client import MixpanelLogin
from mp_mcp.tools.api.inspect_account import inspect_account
from mp_mcp.tools.api.inspect_bookmarks import inspect_bookmarks
from mp_mcp.tools.api.inspect_events import inspect_events
from mp_mcp.tools.api.query_segmentation import query_segmentation
from tests.unit.mixpanel.conftest import Script
from tests.unit.tools.wired import answering, counted

pytestmark = pytest.mark.anyio

DAY = date(2025, 1, 1)


async def test_event_names_are_listed(script: Script) -> None:
    mixpanel, _ = answering(script, ["Signup", "Login"])
    found = await inspect_events(mixpanel)
    assert (found.columns, found.rows) == (["event"], [["Login"], ["Signup"]])
    assert (found.row_count, found.truncated, found.hint) == (2, False, None)


async def test_event_names_are_searched_in_any_case(script: Script) -> None:
    mixpanel, _ = answering(script, ["Signup", "Login", "SIGNUP failed"])
    found = await inspect_events(mixpanel, search="sign")
    assert found.rows == [["SIGNUP failed"], ["Signup"]]


async def test_more_event_names_than_asked_for_are_announced(script: Script) -> None:
    mixpanel, _ = answering(script, [f"e{n}" for n in range(10)])
    found = await inspect_events(mixpanel, limit=3)
    assert found.rows == [["e0"], ["e1"], ["e2"]]
    assert (found.row_count, found.truncated) == (3, True)
    assert "10 events in all" in str(found.hint)


@pytest.mark.parametrize(
    ("asked", "rows", "hints"),
    [
        ({}, 1000, ["at most 5,000", "5,000 events in all"]),
        ({"limit": 5000}, 5000, ["at most 5,000"]),
        ({"limit": 100_000}, 5000, ["at most 5,000"]),
        ({"search": "e4999"}, 1, ["at most 5,000"]),
    ],
)
async def test_as_many_events_as_mixpanel_lists_may_not_be_all(
    script: Script, asked: dict[str, Any], rows: int, hints: list[str]
) -> None:
    mixpanel, _ = answering(script, [f"e{n}" for n in range(5000)])
    found = await inspect_events(mixpanel, **asked)
    assert (found.row_count, found.truncated) == (rows, True)
    assert all(hint in str(found.hint) for hint in hints)


async def test_fewer_events_than_mixpanel_lists_are_all(script: Script) -> None:
    mixpanel, _ = answering(script, [f"e{n}" for n in range(4999)])
    found = await inspect_events(mixpanel, limit=5000)
    assert (found.row_count, found.truncated, found.hint) == (4999, False, None)


SAVED = {
    "results": [
        {"id": 1, "name": "Weekly Signups", "type": "insights", "modified": "2025-01-01"},
        {"id": 2, "name": "Checkout", "type": "funnels", "modified": "2025-03-01"},
        {"id": 3, "name": None, "type": "flows", "modified": None},
        {"id": 4, "name": "SIGNUP funnel", "type": "funnels", "modified": "2025-03-01"},
    ]
}


async def test_saved_reports_are_listed_newest_change_first(script: Script) -> None:
    mixpanel, _ = answering(script, SAVED)
    found = await inspect_bookmarks(mixpanel)
    assert [row[0] for row in found.rows] == [4, 2, 1, 3]
    assert len(found.columns) == len(found.rows[0])


async def test_saved_reports_are_searched_by_name_in_any_case(script: Script) -> None:
    mixpanel, _ = answering(script, SAVED)
    found = await inspect_bookmarks(mixpanel, search="signup")
    assert [row[1] for row in found.rows] == ["SIGNUP funnel", "Weekly Signups"]


async def test_mixpanel_narrows_saved_reports_by_type(script: Script) -> None:
    mixpanel, wire = answering(script, SAVED)
    await inspect_bookmarks(mixpanel, type="funnels")
    assert wire.query == {"v": "2", "type": "funnels"}


async def test_a_search_that_finds_nothing_says_so(script: Script) -> None:
    mixpanel, _ = answering(script, SAVED)
    assert "'zzz'" in str((await inspect_bookmarks(mixpanel, search="zzz")).hint)
    mixpanel, _ = answering(script, ["Signup"])
    assert "'zzz'" in str((await inspect_events(mixpanel, search="zzz")).hint)


async def test_more_saved_reports_than_asked_for_are_announced(script: Script) -> None:
    mixpanel, _ = answering(script, SAVED)
    found = await inspect_bookmarks(mixpanel, limit=1)
    assert (found.row_count, found.truncated) == (1, True)
    assert "4 reports in all" in str(found.hint)


async def test_a_series_is_a_table(script: Script) -> None:
    mixpanel, wire = answering(script, counted({"pro": {"2025-01-01": 3}}, "2025-01-01"))
    found = await query_segmentation(
        mixpanel, "Signup", from_date=DAY, to_date=DAY, on="plan", limit=5
    )
    assert (found.columns, found.rows) == (["date", "pro"], [["2025-01-01", 3]])
    assert (found.row_count, found.hint) == (1, None)
    assert wire.query == {
        "project_id": "42",
        "event": "Signup",
        "from_date": "2025-01-01",
        "to_date": "2025-01-01",
        "unit": "day",
        "type": "general",
        "on": 'properties["plan"]',
        "limit": "5",
    }


async def test_a_series_of_nothing_doubts_the_names(script: Script) -> None:
    mixpanel, _ = answering(script, counted({}, "2025-01-01"))
    found = await query_segmentation(mixpanel, "Sginup", from_date=DAY, to_date=DAY)
    assert found.rows == [["2025-01-01", 0]]
    assert "inspect_events" in str(found.hint)
    assert "inspect_properties" in str(found.hint)


async def test_a_breakdown_of_nothing_has_no_column_for_the_event(script: Script) -> None:
    mixpanel, _ = answering(script, counted({}, "2025-01-01"))
    found = await query_segmentation(mixpanel, "Buy", on="plam", from_date=DAY, to_date=DAY)
    assert found.columns == ["date"]
    assert "inspect_properties" in str(found.hint)


async def test_a_breakdown_with_as_many_values_as_asked_for_may_have_more(script: Script) -> None:
    values = {"pro": {"2025-01-01": 3}, "team": {"2025-01-01": 2}}
    mixpanel, _ = answering(script, counted(values))
    found = await query_segmentation(
        mixpanel, "Signup", from_date=DAY, to_date=DAY, on="plan", limit=2
    )
    assert "2 largest values" in str(found.hint)
    one = await query_segmentation(mixpanel, "Signup", from_date=DAY, to_date=DAY, limit=2)
    assert one.hint is None


async def test_a_series_that_ends_before_it_starts_is_refused_at_no_cost(script: Script) -> None:
    mixpanel, wire = answering(script, [])
    with pytest.raises(UsageError, match="before from_date"):
        await query_segmentation(
            mixpanel, "Signup", from_date=date(2025, 1, 2), to_date=date(2025, 1, 1)
        )
    assert wire.requests == []


async def test_credentials_are_shown_by_what_they_reach(script: Script) -> None:
    shop = {"name": "Shop", "timezone": "UTC", "domain": "eu.mixpanel.com", "role": "admin"}
    me = {"status": "ok", "results": {"user_email": "a@b.c", "projects": {"42": shop}}}
    wire = script(httpx.Response(200, json=me))
    found = await inspect_account(MixpanelLogin(wire.http))
    assert found.user == "a@b.c"
    assert found.rows == [["42", "Shop", "UTC", "admin", "eu"]]
    assert len(found.columns) == len(found.rows[0])
