from datetime import date

import pytest

from mp_mcp.errors import UsageError
from mp_mcp.mixpanel.models import Bookmark, Me, Project, Series
from mp_mcp.tools.api.inspect_account import inspect_account
from mp_mcp.tools.api.inspect_bookmarks import inspect_bookmarks
from mp_mcp.tools.api.inspect_events import inspect_events
from mp_mcp.tools.api.query_segmentation import query_segmentation
from tests.unit.tools.fakes import FakeLogin, FakeMixpanel

pytestmark = pytest.mark.anyio


async def test_event_names_are_listed() -> None:
    found = await inspect_events(FakeMixpanel(names=["Login", "Signup"]))
    assert (found.columns, found.rows) == (["event"], [["Login"], ["Signup"]])
    assert (found.row_count, found.truncated, found.hint) == (2, False, None)


async def test_more_event_names_than_asked_for_are_announced() -> None:
    found = await inspect_events(FakeMixpanel(names=[f"e{n}" for n in range(10)]), limit=3)
    assert (found.row_count, found.truncated) == (3, True)
    assert "10 events match" in str(found.hint)


SAVED = [
    Bookmark(id=1, name="Weekly Signups", type="insights", modified="2025-01-01"),
    Bookmark(id=2, name="Checkout", type="funnels", modified="2025-03-01"),
    Bookmark(id=3, name=None, type="flows", modified=None),
    Bookmark(id=4, name="SIGNUP funnel", type="funnels", modified="2025-03-01"),
]


async def test_saved_reports_are_listed_newest_change_first() -> None:
    found = await inspect_bookmarks(FakeMixpanel(saved=SAVED))
    assert [row[0] for row in found.rows] == [4, 2, 1, 3]
    assert len(found.columns) == len(found.rows[0])


async def test_saved_reports_are_searched_by_name_in_any_case() -> None:
    found = await inspect_bookmarks(FakeMixpanel(saved=SAVED), search="signup")
    assert [row[1] for row in found.rows] == ["SIGNUP funnel", "Weekly Signups"]


async def test_mixpanel_narrows_saved_reports_by_type() -> None:
    mixpanel = FakeMixpanel(saved=SAVED)
    await inspect_bookmarks(mixpanel, type="funnels")
    assert mixpanel.asked == [("bookmarks", "funnels")]


async def test_more_saved_reports_than_asked_for_are_announced() -> None:
    found = await inspect_bookmarks(FakeMixpanel(saved=SAVED), limit=1)
    assert (found.row_count, found.truncated) == (1, True)
    assert "4 reports match" in str(found.hint)


async def test_a_series_is_a_table() -> None:
    series = Series(columns=["date", "Signup"], rows=[["2025-01-01", 3]])
    mixpanel = FakeMixpanel(series=series)
    day = date(2025, 1, 1)
    found = await query_segmentation(
        mixpanel, "Signup", from_date=day, to_date=day, on="plan", limit=5
    )
    assert (found.columns, found.rows, found.row_count) == (series.columns, series.rows, 1)
    ((event, first, last, more),) = mixpanel.asked
    assert (event, first, last) == ("Signup", day, day)
    assert more == {"on": "plan", "unit": "day", "where": None, "type": "general", "limit": 5}


async def test_a_series_that_ends_before_it_starts_is_refused_at_no_cost() -> None:
    mixpanel = FakeMixpanel()
    with pytest.raises(UsageError, match="before from_date"):
        await query_segmentation(
            mixpanel, "Signup", from_date=date(2025, 1, 2), to_date=date(2025, 1, 1)
        )
    assert mixpanel.asked == []


async def test_credentials_are_shown_by_what_they_reach() -> None:
    project = Project(id="42", name="Shop", timezone="UTC", domain="eu.mixpanel.com", role="admin")
    found = await inspect_account(FakeLogin(Me(user_email="a@b.c", projects=[project])))
    assert found.user == "a@b.c"
    assert found.rows == [["42", "Shop", "UTC", "admin", "eu"]]
    assert len(found.columns) == len(found.rows[0])
