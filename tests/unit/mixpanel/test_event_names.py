"""`GET query/events/names` on the wire, within the history that a project keeps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import HistoryLimitError, MixpanelError
from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_names import MOST, event_names, event_names_of
from mp_mcp.state import open_state

from .conftest import Script

TOO_EARLY = httpx.Response(403, json={"error": "Date range exceeds 90 days into the past"})


def days_ago(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days)).isoformat()


@pytest.mark.anyio
async def test_event_names_are_asked_over_the_whole_history(script: Script) -> None:
    wire = script(httpx.Response(200, json=["Signup", "Login"]))
    assert await event_names(Mixpanel(wire.http)) == ["Login", "Signup"]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/events/names"
    assert wire.query == {
        "project_id": "42",
        "type": "general",
        "limit": "5000",
        "from_date": "2000-01-01",
        "to_date": days_ago(0),
    }


@pytest.mark.anyio
async def test_event_names_are_asked_again_within_the_history_that_is_kept(script: Script) -> None:
    wire = script(TOO_EARLY, httpx.Response(200, json=["Login"]))
    assert await event_names(Mixpanel(wire.http)) == ["Login"]
    assert (wire.query["from_date"], wire.query["limit"]) == (days_ago(90), "5000")


@pytest.mark.anyio
async def test_event_names_are_asked_three_times_at_most(script: Script) -> None:
    wire = script(TOO_EARLY)
    with pytest.raises(HistoryLimitError, match="90 days"):
        await event_names(Mixpanel(wire.http))
    assert len(wire.requests) == 3


@pytest.mark.anyio
async def test_a_history_that_shrank_is_learnt_again(script: Script) -> None:
    shorter = httpx.Response(403, json={"error": "Date range exceeds 10 days into the past"})
    ok = httpx.Response(200, json=["Login"])
    wire = script(TOO_EARLY, ok, shorter, ok, ok, ok)
    now = [0.0]
    cache = AnswerCache(open_state(Path(":memory:")), clock=lambda: now[0])
    for days in (90, 10, 10):
        now[0] += 600
        assert await event_names(Mixpanel(wire.http, cache=cache)) == ["Login"]
        assert wire.query["from_date"] == days_ago(days)
    # Who asks afresh asks for all of it, because the history may have grown as well.
    assert await event_names(Mixpanel(wire.http, cache=cache, fresh=True)) == ["Login"]
    assert wire.query["from_date"] == "2000-01-01"


@pytest.mark.anyio
async def test_a_project_whose_day_is_another_gets_its_names(script: Script) -> None:
    tomorrow = httpx.Response(400, json={"error": "to_date cannot be later than today"})
    ok = httpx.Response(200, json=["Login"])
    wire = script(TOO_EARLY, tomorrow, ok)
    assert await event_names(Mixpanel(wire.http)) == ["Login"]
    assert (wire.query["from_date"], wire.query["to_date"]) == (days_ago(90), days_ago(1))
    wire = script(TOO_EARLY, TOO_EARLY, ok)
    assert await event_names(Mixpanel(wire.http)) == ["Login"]
    assert (wire.query["from_date"], wire.query["to_date"]) == (days_ago(89), days_ago(0))


def test_as_many_event_names_as_mixpanel_gives_are_all_there() -> None:
    sent = [f"e{number}" for number in range(MOST)]
    assert event_names_of(sent) == sorted(sent)


@given(st.lists(st.text()))
def test_event_names_are_sorted_and_complete(names: list[str]) -> None:
    assert event_names_of(names) == sorted(set(names))


@pytest.mark.parametrize("answer", [None, 5, "text", [{"a": 1}], {"a": [1]}, {"results": 7}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        event_names_of(answer)
