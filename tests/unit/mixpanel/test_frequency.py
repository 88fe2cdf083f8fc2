"""`GET query/retention/addiction` on the wire, and the shapes of its answers."""

from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.frequency import frequency, frequency_of

from .conftest import Script
from .shapes import cells, days, meant

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 31)
PERIODS = {"2025-01-02": [495, 204], "2025-01-01": [305, 107, 60]}


@pytest.mark.anyio
async def test_frequency_is_asked_by_both_units(script: Script) -> None:
    wire = script(httpx.Response(200, json={"data": PERIODS}))
    await frequency(Mixpanel(wire.http), FIRST, LAST)
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/retention/addiction"
    assert wire.query == {
        "project_id": "42",
        "from_date": "2025-01-01",
        "to_date": "2025-01-31",
        "unit": "day",
        "addiction_unit": "hour",
    }


@pytest.mark.anyio
async def test_frequency_of_one_event_is_asked_with_its_filter(script: Script) -> None:
    wire = script(httpx.Response(200, json={"data": PERIODS}))
    where = 'properties["a"] > 1'
    asked: Any = {"event": "Login", "unit": "week", "addiction_unit": "day", "where": where}
    await frequency(Mixpanel(wire.http), FIRST, LAST, **asked)
    assert wire.query.items() >= asked.items()


@pytest.mark.parametrize(
    "answer", [PERIODS, {"data": PERIODS, "computed_at": "x"}, {**PERIODS, "y": 1}]
)
def test_periods_are_in_order_with_and_without_envelope(answer: Any) -> None:
    found = frequency_of(answer)
    assert found.columns == ["date", "at_least_1", "at_least_2", "at_least_3"]
    assert found.rows == [["2025-01-01", 305, 107, 60], ["2025-01-02", 495, 204, 0]]


@pytest.mark.parametrize("answer", [{}, {"data": {}}])
def test_a_range_without_activity_is_empty(answer: Any) -> None:
    assert (frequency_of(answer).columns, frequency_of(answer).rows) == (["date"], [])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [1],
        {"a": [1]},
        {"data": [1]},
        {"data": None},
        {"2025-01-01": 5},
        {"2025-01-01": ["x"]},
        {"data": {"foo": [1]}},
        {"data": {"$overall": {"2025-01-01": [1]}}},
        {"data": {"2025-01-01 sale": [1]}},
    ],
)
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        frequency_of(answer)


users = st.lists(cells, max_size=31)
unknown = st.dictionaries(st.text().map("x{}".format), st.none() | st.lists(st.integers()))


@given(st.dictionaries(days, users, min_size=1), unknown, st.booleans())
def test_every_number_has_its_place_whatever_is_beside_it(
    sent: dict[str, list[Any]], more: dict[str, Any], wrapped: bool
) -> None:
    found = frequency_of({"data": {**more, **sent}} if wrapped else {**sent, **more})
    assert [row[0] for row in found.rows] == sorted(sent)
    assert all(len(row) == len(found.columns) for row in found.rows)
    for day, *numbers in found.rows:
        assert numbers[: len(sent[day])] == [meant(cell) for cell in sent[day]]
        assert not any(numbers[len(sent[day]) :])
