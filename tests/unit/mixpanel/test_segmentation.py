"""`GET query/segmentation` and its three numeric forms on the wire, and their shapes."""

from datetime import date
from typing import Any, Literal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.segmentation import (
    numbers_of,
    ranges_of,
    segmentation,
    segmentation_aggregate,
    segmentation_numeric,
    series_of,
)

from .conftest import Script
from .shapes import assert_whole, cells, counted, days, meant, texts, totals

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 2)
ASKED = {
    "project_id": "42",
    "event": "Login",
    "from_date": "2025-01-01",
    "to_date": "2025-01-02",
    "unit": "day",
}
bounds = st.integers(-(10**9), 10**9)


@pytest.mark.anyio
async def test_a_segmentation_without_breakdown_sends_no_limit(script: Script) -> None:
    answer = {"data": {"series": ["2025-01-01"], "values": {"Login": {"2025-01-01": 5}}}}
    wire = script(httpx.Response(200, json=answer))
    series = await segmentation(Mixpanel(wire.http), "Login", FIRST, LAST, limit=5)
    assert (series.columns, series.rows) == (["date", "Login"], [["2025-01-01", 5]])
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/segmentation"
    assert wire.query == {**ASKED, "type": "general"}


@pytest.mark.anyio
async def test_a_segmentation_by_property_has_a_column_per_value(script: Script) -> None:
    values = {"team": {"2025-01-01": 1}, "pro": {"2025-01-02": 9}}
    answer = {"data": {"series": ["2025-01-02", "2025-01-01"], "values": values}}
    wire = script(httpx.Response(200, json=answer))
    series = await segmentation(
        Mixpanel(wire.http),
        "Login",
        FIRST,
        LAST,
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


@given(counted)
def test_a_series_is_rectangular_sorted_and_keeps_every_total(answer: dict[str, Any]) -> None:
    series = series_of(answer, "Login")
    assert_whole(series, answer)
    assert totals(series) == sorted(totals(series), reverse=True)


def test_periods_without_events_are_zero() -> None:
    answer = {
        "data": {
            "series": ["2025-01-02", "2025-01-01", "2025-01-03"],
            "values": {"team": {"2025-01-02": 9}, "pro": {"2025-01-01": 4, "2025-01-02": 8}},
        },
        "legend_size": 2,
    }
    series = series_of(answer, "Login")
    assert series.columns == ["date", "pro", "team"]
    assert series.rows == [["2025-01-01", 4, 0], ["2025-01-02", 8, 9], ["2025-01-03", 0, 0]]


def test_an_event_that_nobody_sent_is_a_column_of_zeros() -> None:
    series = series_of({"data": {"series": ["2025-01-01"], "values": {}}}, "Login")
    assert (series.columns, series.rows) == (["date", "Login"], [["2025-01-01", 0]])


@pytest.mark.anyio
async def test_a_breakdown_without_values_has_no_column_for_the_event(script: Script) -> None:
    wire = script(httpx.Response(200, json={"data": {"series": ["2025-01-01"], "values": {}}}))
    series = await segmentation(Mixpanel(wire.http), "Login", FIRST, LAST, on="plan")
    assert (series.columns, series.rows) == (["date"], [["2025-01-01"]])


def test_a_value_named_date_has_a_column_of_its_own() -> None:
    answer = {"data": {"series": ["2025-01-01"], "values": {"date": {"2025-01-01": 1}}}}
    for series in (series_of(answer, None), ranges_of(answer)):
        assert (series.columns, series.rows) == (["date", "date (value)"], [["2025-01-01", 1]])


def test_what_cannot_be_computed_is_null_and_not_zero() -> None:
    sent = {"2025-01-01": "NaN", "2025-01-02": "7", "2025-01-03": float("inf")}
    answer = {"data": {"series": [], "values": {"x": sent}}}
    rows = [["2025-01-01", None], ["2025-01-02", 7], ["2025-01-03", None]]
    assert series_of(answer, "x").rows == ranges_of(answer).rows == rows
    assert numbers_of({"results": sent}, "sum").rows == rows


def test_whole_numbers_stay_whole_and_averages_stay_exact() -> None:
    answer = {"data": {"series": ["a", "b"], "values": {"x": {"a": 2**60 + 1, "b": 0.1}}}}
    cells = [row[1] for row in series_of(answer, "x").rows]
    assert cells == [2**60 + 1, 0.1]
    assert [type(cell) for cell in cells] == [int, float]


@pytest.mark.anyio
async def test_a_numeric_segmentation_asks_with_an_expression(script: Script) -> None:
    values = {"1,000 - 1,050": {"2025-01-01": 9}, "0 - 50": {"2025-01-01": 2}}
    answer = {"data": {"series": ["2025-01-01"], "values": values}, "legend_size": 2}
    wire = script(httpx.Response(200, json=answer))
    series = await segmentation_numeric(
        Mixpanel(wire.http), "Login", FIRST, LAST, on="price", where="true", type="unique"
    )
    assert series.columns == ["date", "0 - 50", "1,000 - 1,050"]
    assert series.rows == [["2025-01-01", 2, 9]]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/segmentation/numeric"
    expected = {**ASKED, "on": 'properties["price"]', "where": "true", "type": "unique"}
    assert wire.query == expected


def test_ranges_come_in_the_order_of_their_numbers() -> None:
    labels = ["-100 - -50", "-50 - 0", "0 - 0.5", "0.5 - 1", "9 - 10", "1,000 - 1,050", "undefined"]
    for sent in (labels, labels[::-1]):
        values = {label: {"2025-01-01": 1} for label in sent}
        answer = {"data": {"series": ["2025-01-01"], "values": values}}
        assert ranges_of(answer).columns == ["date", *labels]


@given(st.lists(bounds, unique=True, max_size=6), days)
def test_every_range_is_a_column_lowest_first(lows: list[int], day: str) -> None:
    values = {f"{low:,} - {low + 50:,}": {day: position} for position, low in enumerate(lows)}
    answer = {"data": {"series": [day], "values": values}}
    series = ranges_of(answer)
    assert_whole(series, answer)
    assert series.columns[1:] == [f"{low:,} - {low + 50:,}" for low in sorted(lows)]


@given(counted)
def test_ranges_of_any_label_are_read(answer: dict[str, Any]) -> None:
    assert_whole(ranges_of(answer), answer)


@pytest.mark.anyio
@pytest.mark.parametrize("aggregate", ["sum", "average"])
async def test_sums_and_averages_ask_with_an_expression(
    script: Script, aggregate: Literal["sum", "average"]
) -> None:
    answer = {"status": "ok", "results": {"2025-01-01 10:00:00": 8.64}}
    wire = script(httpx.Response(200, json=answer))
    series = await segmentation_aggregate(
        Mixpanel(wire.http),
        aggregate,
        "Login",
        FIRST,
        LAST,
        on='number(properties["price"])',
        unit="hour",
        where='properties["plan"] == "team"',
    )
    assert series.columns == ["date", aggregate]
    assert ["2025-01-01 10:00:00", 8.64] in series.rows
    assert [row[1] for row in series.rows if row[1]] == [8.64]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == f"/api/query/segmentation/{aggregate}"
    assert wire.query == {
        **ASKED,
        "unit": "hour",
        "on": 'number(properties["price"])',
        "where": 'properties["plan"] == "team"',
    }


@pytest.mark.anyio
async def test_a_sum_wraps_a_bare_name_and_leaves_out_what_is_not_asked(script: Script) -> None:
    wire = script(httpx.Response(200, json={"status": "ok", "results": {}}))
    await segmentation_aggregate(Mixpanel(wire.http), "sum", "Login", FIRST, LAST, on="price")
    assert wire.query == {**ASKED, "on": 'properties["price"]'}


@pytest.mark.parametrize("computed_at", [None, "2025-01-03T10:11:12.131415+00:00"])
def test_the_moment_of_computing_is_optional(computed_at: str | None) -> None:
    answer: dict[str, Any] = {"status": "ok", "results": {"2025-01-02": 2.5, "2025-01-01": 1}}
    if computed_at:
        answer["computed_at"] = computed_at
    series = numbers_of(answer, "sum")
    assert series.rows == [["2025-01-01", 1], ["2025-01-02", 2.5]]
    assert series.computed_at == computed_at


@pytest.mark.parametrize(("aggregate", "nothing"), [("sum", 0), ("average", None)])
def test_days_without_events_are_filled(
    aggregate: Literal["sum", "average"], nothing: int | None
) -> None:
    answer = {"results": {"2025-01-02": 2.5, "2025-01-03": None}}
    asked = ["2025-01-01", "2025-01-02", "2025-01-03"]
    rows = [["2025-01-01", nothing], ["2025-01-02", 2.5], ["2025-01-03", None]]
    assert numbers_of(answer, aggregate, asked).rows == rows
    by_moment = {"results": {"2025-01-02T00:00:00": 2.5}}
    assert numbers_of(by_moment, aggregate, asked).rows == [["2025-01-02T00:00:00", 2.5]]


@pytest.mark.anyio
async def test_the_days_and_the_hours_of_the_range_are_filled(script: Script) -> None:
    mixpanel = Mixpanel(script(httpx.Response(200, json={"results": {}})).http)
    days = await segmentation_aggregate(mixpanel, "sum", "Login", FIRST, LAST, on="price")
    assert days.rows == [["2025-01-01", 0], ["2025-01-02", 0]]
    hours = await segmentation_aggregate(
        mixpanel, "sum", "Login", FIRST, LAST, on="price", unit="hour"
    )
    assert len(hours.rows) == 2 * 24
    assert hours.rows[0] == ["2025-01-01 00:00:00", 0]
    assert hours.rows[-1] == ["2025-01-02 23:00:00", 0]


@given(
    st.fixed_dictionaries(
        {"results": st.dictionaries(days, cells | st.floats(-1e9, 0))},
        optional={"status": texts, "computed_at": texts, "more": st.integers()},
    ),
    st.lists(st.dates().map(str), max_size=4),
)
def test_every_number_stays_where_it_was(answer: dict[str, Any], asked: list[str]) -> None:
    series = numbers_of(answer, "average", asked)
    shown = dict(series.rows)
    assert {day: number for day, number in shown.items() if number is not None} == {
        day: meant(cell) for day, cell in answer["results"].items() if meant(cell) is not None
    }
    assert set(answer["results"]) <= set(shown) <= {*answer["results"], *asked}
    assert [row[0] for row in series.rows] == sorted(shown)
    assert series.row_count == len(shown)


@pytest.mark.parametrize(
    "answer", [None, [], {"data": [1]}, {"results": {}}, {"data": {"values": 1}}]
)
def test_counts_of_unknown_shape_are_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        series_of(answer, "Login")
    with pytest.raises(MixpanelError, match="shape"):
        ranges_of(answer)


@pytest.mark.parametrize("answer", [None, [], {"data": {}}, {"results": [1]}, {"2025-01-01": 1}])
def test_numbers_of_unknown_shape_are_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        numbers_of(answer, "sum")
