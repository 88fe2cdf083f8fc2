"""`GET query/events/properties` on the wire, and the shapes of its answers."""

from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given

from mp_mcp.errors import MixpanelError, UsageError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.property_counts import property_counts, property_counts_of

from .conftest import Script
from .shapes import assert_whole, column, counted, totals

ANSWER = {
    "data": {
        "series": ["2025-01-01"],
        "values": {"team": {"2025-01-01": 14}, "starter": {"2025-01-01": 33}},
    },
    "legend_size": 2,
}


@pytest.mark.anyio
async def test_an_event_is_counted_by_the_values_of_a_property(script: Script) -> None:
    wire = script(httpx.Response(200, json=ANSWER))
    series = await property_counts(
        Mixpanel(wire.http),
        "Purchase",
        "$plan",
        date(2025, 1, 1),
        date(2025, 1, 1),
        unit="hour",
        type="average",
        limit=7,
    )
    assert series.columns == ["date", "starter", "team"]
    assert series.rows == [["2025-01-01", 33, 14]]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/events/properties"
    assert wire.query == {
        "project_id": "42",
        "event": "Purchase",
        "name": "$plan",
        "type": "average",
        "unit": "hour",
        "from_date": "2025-01-01",
        "to_date": "2025-01-01",
        "limit": "7",
    }


@pytest.mark.anyio
async def test_users_by_the_hour_are_refused_before_anything_is_spent(script: Script) -> None:
    wire = script(httpx.Response(200, json=ANSWER))
    day = date(2025, 1, 1)
    asked: Any = {"unit": "hour", "type": "unique", "limit": 1}
    with pytest.raises(UsageError, match="unique users by hour"):
        await property_counts(Mixpanel(wire.http), "Purchase", "plan", day, day, **asked)
    assert wire.requests == []


@given(counted)
def test_every_value_is_a_column_the_largest_first(answer: dict[str, Any]) -> None:
    series = property_counts_of(answer)
    assert_whole(series, answer)
    assert sorted(series.columns[1:]) == sorted(map(column, answer["data"]["values"]))
    assert totals(series) == sorted(totals(series), reverse=True)


@pytest.mark.parametrize("answer", [None, [], {"results": {}}, {"data": {"values": {"a": 1}}}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        property_counts_of(answer)
