"""`GET query/stream/query` on the wire, and the shapes of its answers."""

from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.activity_feed import activity_feed, activity_feed_of
from mp_mcp.mixpanel.client import Mixpanel

from .conftest import Script
from .shapes import values

LOGIN = {
    "event": "Login",
    "properties": {"time": 1735732800, "$distinct_id": "u-1001", "tags": [{"a": 1}]},
}
BUY = {"event": "Buy", "properties": {"time": 1735732801, "distinct_id": 7}}

happenings = st.fixed_dictionaries(
    {
        "event": st.text(),
        "properties": st.dictionaries(st.text(), values, max_size=3).flatmap(
            lambda more: st.fixed_dictionaries(
                {},
                optional={
                    "time": values | st.integers(0, 2**32) | st.floats(allow_nan=False),
                    "distinct_id": values,
                    "$distinct_id": values,
                    **{name: st.just(value) for name, value in more.items()},
                },
            )
        ),
    },
    optional={"more": values},
)


def feed(*events: Any) -> dict[str, Any]:
    return {"status": "ok", "results": {"events": list(events)}}


@pytest.mark.anyio
async def test_a_feed_is_asked_for_several_users_at_once(script: Script) -> None:
    wire = script(httpx.Response(200, json=feed(LOGIN), headers={"Deprecation": "true"}))
    found = await activity_feed(
        Mixpanel(wire.http), ["u-1001", "ü,2"], date(2025, 1, 1), date(2025, 1, 31)
    )
    assert found.rows[0][:3] == ["2025-01-01T12:00:00", "Login", "u-1001"]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/stream/query"
    assert wire.query == {
        "project_id": "42",
        "distinct_ids": '["u-1001", "ü,2"]',
        "from_date": "2025-01-01",
        "to_date": "2025-01-31",
    }


def test_events_come_newest_first_with_whole_properties() -> None:
    found = activity_feed_of({**feed(LOGIN, BUY), "warning": "deprecated"})
    assert found.columns == ["time", "event", "distinct_id", "properties"]
    assert found.rows == [
        ["2025-01-01T12:00:01", "Buy", "7", BUY["properties"]],
        ["2025-01-01T12:00:00", "Login", "u-1001", LOGIN["properties"]],
    ]


@pytest.mark.parametrize("nobody", [None, ""])
def test_an_empty_id_does_not_hide_the_other_one(nobody: str | None) -> None:
    known = {"distinct_id": nobody, "$distinct_id": "u-1"}
    assert activity_feed_of(feed({"event": "A", "properties": known})).rows[0][2] == "u-1"
    only = {"$distinct_id": nobody}
    assert activity_feed_of(feed({"event": "A", "properties": only})).rows[0][2] is None
    zero = {"distinct_id": 0, "$distinct_id": "u-1"}
    assert activity_feed_of(feed({"event": "A", "properties": zero})).rows[0][2] == "0"


def test_a_time_may_be_a_text() -> None:
    sent = [{"event": str(n), "properties": {"time": str(n)}} for n in (9, 1735732800, 10)]
    found = activity_feed_of(feed(*sent))
    assert [row[1] for row in found.rows] == ["1735732800", "10", "9"]
    assert found.rows[0][0] == "2025-01-01T12:00:00"


def test_events_of_one_second_stay_in_mixpanels_order() -> None:
    same = [{"event": name, "properties": {"time": 5}} for name in "cab"]
    assert [row[1] for row in activity_feed_of(feed(*same)).rows] == ["c", "a", "b"]


@pytest.mark.parametrize("time", [None, "noon", "NaN", True, 10**20, 1e300, float("inf")])
def test_a_time_that_no_calendar_has_is_no_time(time: Any) -> None:
    ((shown, _, _, properties),) = activity_feed_of(
        feed({"event": "Login", "properties": {"time": time}})
    ).rows
    assert (shown, properties) == (None, {"time": time})


@given(st.lists(happenings, max_size=5))
def test_every_event_is_there_and_in_order(events: list[Any]) -> None:
    rows = activity_feed_of(feed(*events)).rows
    assert sorted(row[1] for row in rows) == sorted(each["event"] for each in events)
    assert all(row[3] in [each["properties"] for each in events] for row in rows)
    times = [row[0] for row in rows if row[0] is not None]
    assert times == sorted(times, reverse=True)
    assert all(row[2] is None or isinstance(row[2], str) for row in rows)


@pytest.mark.parametrize(
    "answer",
    [None, [], {"results": []}, {"results": [LOGIN]}, feed(1), feed({"event": "Login"})],
)
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        activity_feed_of(answer)
