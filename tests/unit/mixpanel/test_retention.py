"""`GET query/retention` on the wire, and the shapes of its answers."""

from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError, UsageError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.retention import retention, retention_of

from .conftest import Script
from .shapes import cells, meant, names

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 31)
SHOWN = {
    "2025-01-02": {"first": 4, "counts": [4, 2]},
    "2025-01-01": {"first": 10, "counts": [9, 7, 6]},
}


@pytest.mark.anyio
async def test_periods_of_one_unit_are_asked_by_their_unit(script: Script) -> None:
    wire = script(httpx.Response(200, json=SHOWN))
    found = await retention(Mixpanel(wire.http), "Signup", FIRST, LAST, unit="week")
    assert found.row_count == 2
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/retention"
    assert wire.query == {
        "project_id": "42",
        "from_date": "2025-01-01",
        "to_date": "2025-01-31",
        "retention_type": "birth",
        "born_event": "Signup",
        "unit": "week",
        "interval_count": "10",
    }


@pytest.mark.anyio
async def test_longer_periods_are_asked_in_days_without_a_unit(script: Script) -> None:
    wire = script(httpx.Response(200, json=SHOWN))
    await retention(
        Mixpanel(wire.http),
        "Signup",
        FIRST,
        LAST,
        event="Login",
        born_where='properties["a"] == 1',
        where='properties["b"] == 2',
        interval=3,
        interval_count=4,
        on="plan",
        limit=9,
    )
    assert "unit" not in wire.query
    assert (wire.query["interval"], wire.query["interval_count"]) == ("3", "4")
    assert (wire.query["event"], wire.query["on"]) == ("Login", 'properties["plan"]')
    assert wire.query["born_where"] == 'properties["a"] == 1'
    assert (wire.query["where"], wire.query["limit"]) == ('properties["b"] == 2', "9")


@pytest.mark.anyio
async def test_an_interval_of_weeks_is_refused_before_mixpanel_takes_it_for_days(
    script: Script,
) -> None:
    wire = script(httpx.Response(200, json=SHOWN))
    with pytest.raises(UsageError, match="days"):
        await retention(Mixpanel(wire.http), "Signup", FIRST, LAST, interval=2, unit="week")
    assert wire.requests == []


def test_cohorts_are_in_order_with_rates_and_no_zero_for_what_is_not_over() -> None:
    found = retention_of(SHOWN)
    assert found.columns == [
        "date",
        "users",
        *["count_0", "count_1", "count_2", "rate_0", "rate_1", "rate_2"],
    ]
    assert found.rows == [
        ["2025-01-01", 10, 9, 7, 6, 0.9, 0.7, 0.6],
        ["2025-01-02", 4, 4, 2, None, 1.0, 0.5, None],
    ]


def test_nobody_has_no_rate() -> None:
    answer = {"2025-01-01": {"first": 0, "counts": [0, None]}}
    assert retention_of(answer).rows == [["2025-01-01", 0, 0, None, None, None]]


def test_the_form_of_saved_reports_is_read_by_its_days() -> None:
    answer = {
        "2025-01-02T00:00:00": {"first": 2, "counts": [1], "rates": [0.5]},
        "2025-01-01T00:00:00": {"first": 4, "counts": [1], "rates": [0.25]},
        "$average": {"first": 3, "counts": [1], "rates": [0.375]},
    }
    assert retention_of(answer).rows == [
        ["2025-01-01", 4, 1, 0.25],
        ["2025-01-02", 2, 1, 0.5],
        ["$average", 3, 1, 0.375],
    ]


COHORT = {"first": 1, "counts": [1]}
LARGE = {"first": 5, "counts": [2]}
BY_DATE = {
    "2025-01-01": {"iOS": COHORT, "Web": LARGE, "$overall": LARGE},
    "2025-01-02": {"Web": COHORT},
}
BY_SEGMENT = {
    "iOS": {"2025-01-01": COHORT},
    "$overall": {"2025-01-01": LARGE},
    "Web": {"2025-01-02": COHORT, "2025-01-01": LARGE},
}


@pytest.mark.parametrize("answer", [BY_DATE, BY_SEGMENT], ids=["date outside", "segment outside"])
def test_segments_follow_the_whole_whichever_is_outside(answer: Any) -> None:
    found = retention_of(answer, segmented=True)
    assert found.columns == ["segment", "date", "users", "count_0", "rate_0"]
    assert [row[:3] for row in found.rows] == [
        ["$overall", "2025-01-01", 5],
        ["Web", "2025-01-01", 5],
        ["Web", "2025-01-02", 1],
        ["iOS", "2025-01-01", 1],
    ]


def test_the_whole_alone_is_no_segment() -> None:
    answer = {"2025-01-01": {"$overall": COHORT}}
    assert retention_of(answer).rows == [["2025-01-01", 1, 1, 1.0]]
    assert retention_of(answer, segmented=True).columns[0] == "segment"


def test_a_breakdown_that_mixpanel_ignores_is_an_empty_column() -> None:
    assert retention_of({"2025-01-01": COHORT}, segmented=True).rows == [
        [None, "2025-01-01", 1, 1, 1.0]
    ]


@pytest.mark.anyio
async def test_an_empty_breakdown_is_no_breakdown(script: Script) -> None:
    wire = script(httpx.Response(200, json=SHOWN))
    found = await retention(Mixpanel(wire.http), "Signup", FIRST, LAST, on="")
    assert (found.columns[0], "on" in wire.query) == ("date", False)


def test_unknown_keys_beside_the_dates_are_ignored() -> None:
    more = {"computed_at": "2025-01-09", "meta": {}, "labels": ["x"]}
    answer = {**more, "2025-01-01": {**COHORT, "label": "x"}}
    assert retention_of(answer).rows == [["2025-01-01", 1, 1, 1.0]]


OF_SALE = {"$overall": {"2025-01-01": LARGE}, "2024-11-11 sale": {"2025-01-01": COHORT}}
OF_A_DAY = {"$overall": {"2025-01-01": LARGE}, "2024-11-11": {"2025-01-01": COHORT}}


@pytest.mark.parametrize(
    ("answer", "segment"), [(OF_SALE, "2024-11-11 sale"), (OF_A_DAY, "2024-11-11")]
)
def test_a_segment_named_like_a_date_is_a_segment(answer: Any, segment: str) -> None:
    rows = [row[:3] for row in retention_of(answer, segmented=True).rows]
    assert rows == [["$overall", "2025-01-01", 5], [segment, "2025-01-01", 1]]


def test_where_all_keys_are_dates_the_average_shows_which_are_those_of_births() -> None:
    answer = {"2024-11-11": {"2025-01-01": COHORT, "$average": LARGE}}
    rows = [row[:2] for row in retention_of(answer, segmented=True).rows]
    assert rows == [["2024-11-11", "2025-01-01"], ["2024-11-11", "$average"]]


def test_days_without_counts_stay_days() -> None:
    answer = {
        "2025-01-01": COHORT,
        "2025-01-02": {"first": 3, "counts": None},
        "2025-01-03": {"first": 0},
        "2025-01-04": {},
    }
    assert retention_of(answer).rows == [
        ["2025-01-01", 1, 1, 1.0],
        ["2025-01-02", 3, None, None],
        ["2025-01-03", 0, None, None],
        ["2025-01-04", None, None, None],
    ]


def test_days_and_segments_without_cohorts_keep_their_names() -> None:
    by_date = {"2025-01-01": {"$overall": COHORT, "iOS": COHORT}, "2025-01-02": {}}
    rows = [row[:3] for row in retention_of(by_date, segmented=True).rows]
    assert [None, "2025-01-02", None] in rows
    by_segment = {"$overall": {"2025-01-01": COHORT}, "2024-11-11": {}}
    rows = [row[:3] for row in retention_of(by_segment, segmented=True).rows]
    assert rows == [["$overall", "2025-01-01", 1], ["2024-11-11", None, None]]
    whole_only = {"2025-01-01": {"$overall": COHORT}, "2025-01-02": {}}
    assert retention_of(whole_only).columns[0] == "date"


def test_numbers_may_be_texts_and_what_cannot_be_computed_is_null() -> None:
    answer = {"2025-01-01": {"first": "4", "counts": ["2", "NaN", None]}}
    assert retention_of(answer).rows == [["2025-01-01", 4, 2, None, None, 0.5, None, None]]


def test_unknown_keys_beside_dates_of_segments_are_no_segments() -> None:
    answer = {"meta": {}, "2025-01-01": {"iOS": COHORT}}
    assert [row[0] for row in retention_of(answer, segmented=True).rows] == ["iOS"]


def test_a_range_without_births_is_empty() -> None:
    assert (retention_of({}).columns, retention_of({}).rows) == (["date", "users"], [])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        5,
        [{"first": 1}],
        {"2025-01-01": 5},
        {"iOS": COHORT},
        {"data": {}, "percents": []},
        {"2025-01-01": {"first": 1, "counts": ["x"]}},
        {"2025-01-01": {"first": "x"}},
        {"2025-01-01": {"first": 1, "counts": {"a": 1}}},
        {"2025-01-01": COHORT, "2025-01-02": 5},
        {"2025-01-01": COHORT, "2025-01-02": None},
        {"2025-01-01": COHORT, "iOS": COHORT},
        {"data": {}},
    ],
)
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        retention_of(answer)


cohorts: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {"first": cells},
    optional={
        "counts": st.none() | st.lists(cells, max_size=5),
        "rates": st.none() | st.lists(cells, max_size=5),
    },
)
dates = st.dates().map(str)
segments = names.filter(lambda name: name != "$average")
by_segment = st.dictionaries(segments, cohorts, min_size=1, max_size=3)


@given(st.dictionaries(dates, by_segment, max_size=4), cohorts, st.booleans())
def test_every_cohort_is_one_row_whatever_its_segment_is_called(
    sent: dict[str, Any], whole: dict[str, Any], inside: bool
) -> None:
    by_date = {day: {**parts, "$overall": whole} for day, parts in sent.items()}
    by_name: dict[str, Any] = {}
    for day, parts in by_date.items():
        for name, cohort in parts.items():
            by_name.setdefault(name, {})[day] = cohort
    found = retention_of(by_name if inside else by_date, segmented=True)
    width = (len(found.columns) - 3) // 2
    shown = {(row[0], row[1]): row[2 : 3 + width] for row in found.rows}
    assert len(shown) == len(found.rows)
    expected = {}
    for name, days in by_name.items():
        for day, cohort in days.items():
            counts = [meant(cell) for cell in cohort.get("counts") or ()]
            missing = [None] * (width - len(counts))
            expected[name, day] = [meant(cohort.get("first")), *counts, *missing]
    assert shown == expected


@given(st.dictionaries(dates, cohorts), st.booleans())
def test_cohorts_are_sorted_by_date(answer: Any, of_a_report: bool) -> None:
    sent = {f"{day}T00:00:00": cohort for day, cohort in answer.items()} if of_a_report else answer
    assert [row[0] for row in retention_of(sent).rows] == sorted(answer)
