"""`GET query/events/properties/top` and `/values` on the wire, and their shapes."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.properties import (
    event_properties,
    event_properties_of,
    property_values,
    property_values_of,
)

from .conftest import Script
from .shapes import values


@pytest.mark.anyio
async def test_properties_are_asked_with_a_limit_because_ten_is_the_default(
    script: Script,
) -> None:
    answer = {"$duration_s": {}, "$city": {"count": 790, "type": "string"}, "plan": {"count": 812}}
    wire = script(httpx.Response(200, json=answer))
    found = await event_properties(Mixpanel(wire.http), "Plan Upgraded")
    assert found.columns == ["property", "count"]
    assert found.rows == [["plan", 812], ["$city", 790], ["$duration_s", None]]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/events/properties/top"
    assert wire.query == {"project_id": "42", "event": "Plan Upgraded", "limit": "1000"}


@pytest.mark.anyio
async def test_a_property_named_like_an_envelope_is_a_property(script: Script) -> None:
    answer = {"results": {"count": 1}, "error": {"count": 3}, "status": {"count": 2}}
    wire = script(httpx.Response(200, json=answer))
    found = await event_properties(Mixpanel(wire.http), "Login")
    assert found.rows == [["error", 3], ["status", 2], ["results", 1]]


@given(
    st.dictionaries(
        st.text(),
        st.fixed_dictionaries(
            {}, optional={"count": st.none() | st.integers(0, 2**60), "more": values}
        ),
        max_size=6,
    )
)
def test_every_property_is_listed_the_most_frequent_first(answer: dict[str, Any]) -> None:
    rows = event_properties_of(answer).rows
    assert dict(rows) == {name: each.get("count") for name, each in answer.items()}
    counts = [count for _, count in rows]
    known = [count for count in counts if count is not None]
    assert counts == sorted(known, reverse=True) + [None] * (len(counts) - len(known))


def test_counts_of_properties_may_be_texts() -> None:
    answer = {"a": {"count": "9"}, "b": {"count": 10}, "c": {"count": "NaN"}}
    assert event_properties_of(answer).rows == [["b", 10], ["a", 9], ["c", None]]


@pytest.mark.anyio
async def test_values_are_asked_of_one_event_or_of_all(script: Script) -> None:
    wire = script(httpx.Response(200, json=["starter", "team"]))
    mixpanel = Mixpanel(wire.http)
    assert await property_values(mixpanel, "plan", event="Signup", limit=5) == ["starter", "team"]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/events/properties/values"
    asked = {"project_id": "42", "name": "plan", "limit": "5"}
    assert wire.query == {**asked, "event": "Signup"}
    await property_values(mixpanel, "plan", limit=5)
    assert wire.query == asked


def test_values_that_are_no_texts_are_written_as_json() -> None:
    answer = ["a", '["x", "y"]', 5, 2.5, True, None, ["ä"]]
    assert property_values_of(answer) == [
        *("a", '["x", "y"]', "5", "2.5"),
        *("true", "null", '["ä"]'),
    ]


@given(st.lists(values))
def test_every_value_is_a_text_in_the_order_that_was_sent(answer: list[Any]) -> None:
    found = property_values_of(answer)
    pairs = zip(found, answer, strict=True)
    back = [text if isinstance(value, str) else json.loads(text) for text, value in pairs]
    assert back == answer


@pytest.mark.parametrize("answer", [None, 5, ["plan"], {"plan": 0.5}, {"plan": {"count": "x"}}])
def test_properties_of_unknown_shape_are_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        event_properties_of(answer)


@pytest.mark.parametrize("answer", [None, 5, "plan", {"plan": 1}, {"results": []}])
def test_values_of_unknown_shape_are_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        property_values_of(answer)
