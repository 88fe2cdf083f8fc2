"""`GET query/events/top` on the wire, and the shapes of its answers."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.top_events import top_events, top_events_of

from .conftest import Script
from .shapes import numbers, values

tops = st.fixed_dictionaries(
    {
        "events": st.lists(
            st.fixed_dictionaries(
                {"event": st.text()},
                optional={
                    "amount": st.none() | numbers,
                    "percent_change": st.none() | st.floats(-1, 1e6),
                    "more": values,
                },
            ),
            max_size=5,
        )
    },
    optional={"type": st.text()},
)


@pytest.mark.anyio
async def test_top_events_come_with_their_change_the_largest_first(script: Script) -> None:
    answer = {
        "events": [
            {"event": "Signup", "amount": 88, "percent_change": 1.0},
            {"event": "Login", "amount": 1402, "percent_change": -0.12},
        ],
        "type": "general",
    }
    wire = script(httpx.Response(200, json=answer))
    found = await top_events(Mixpanel(wire.http), "unique", 20)
    assert found.columns == ["event", "count", "percent_change"]
    assert found.rows == [["Login", 1402, -0.12], ["Signup", 88, 1.0]]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/events/top"
    assert wire.query == {"project_id": "42", "type": "unique", "limit": "20"}


def test_a_change_from_nothing_has_no_fraction() -> None:
    event = {"event": "A", "amount": "3", "percent_change": float("inf")}
    assert top_events_of({"events": [event]}).rows == [["A", 3, None]]


@given(tops)
def test_every_event_is_listed_the_largest_first(answer: dict[str, Any]) -> None:
    rows = top_events_of(answer).rows
    assert sorted(row[0] for row in rows) == sorted(each["event"] for each in answer["events"])
    assert all(len(row) == 3 for row in rows)
    counts = [row[1] or 0 for row in rows]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("answer", [None, [], {}, {"events": [1]}, {"events": {"Login": 1}}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        top_events_of(answer)
