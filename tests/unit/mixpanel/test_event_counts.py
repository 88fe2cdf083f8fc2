"""`GET query/events` on the wire, and the shapes of its answers."""

from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError, UsageError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_counts import event_counts, event_counts_of
from mp_mcp.mixpanel.segmentation import Unit

from .conftest import Script
from .shapes import assert_whole, column, counted, names, totals

ANSWER = {
    "data": {
        "series": ["2025-01-02", "2025-01-01"],
        "values": {"Signup": {"2025-01-02": 9}, "Login": {"2025-01-01": 120, "2025-01-02": 131}},
    },
    "legend_size": 2,
}


@pytest.mark.anyio
async def test_events_are_counted_side_by_side(script: Script) -> None:
    wire = script(httpx.Response(200, json=ANSWER))
    series = await event_counts(
        Mixpanel(wire.http),
        ["Signup", "Lögin, really", "Login"],
        date(2025, 1, 1),
        date(2025, 1, 2),
        unit="week",
        type="average",
    )
    assert series.columns == ["date", "Login", "Signup", "Lögin, really"]
    assert series.rows == [["2025-01-01", 120, 0, 0], ["2025-01-02", 131, 9, 0]]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/events"
    assert wire.query == {
        "project_id": "42",
        "event": '["Signup", "Lögin, really", "Login"]',
        "type": "average",
        "unit": "week",
        "from_date": "2025-01-01",
        "to_date": "2025-01-02",
    }


@pytest.mark.anyio
@pytest.mark.parametrize("unit", ["minute", "hour"])
async def test_users_by_the_hour_are_refused_before_anything_is_spent(
    script: Script, unit: Unit
) -> None:
    wire = script(httpx.Response(200, json=ANSWER))
    first, last = date(2025, 1, 1), date(2025, 1, 2)
    with pytest.raises(UsageError, match=f"unique users by {unit}"):
        await event_counts(Mixpanel(wire.http), ["A"], first, last, unit=unit, type="unique")
    assert wire.requests == []
    await event_counts(Mixpanel(wire.http), ["A"], first, last, unit=unit)
    assert len(wire.requests) == 1


@given(counted, st.lists(names, max_size=3))
def test_every_event_is_a_column_the_largest_first(
    answer: dict[str, Any], asked: list[str]
) -> None:
    series = event_counts_of(answer, asked)
    assert_whole(series, answer)
    assert set(series.columns[1:]) == set(map(column, [*asked, *answer["data"]["values"]]))
    assert totals(series) == sorted(totals(series), reverse=True)


@pytest.mark.parametrize("answer", [None, [], {"results": {}}, {"data": {"values": {"a": 1}}}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        event_counts_of(answer, ["Login"])
