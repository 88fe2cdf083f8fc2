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


def test_unknown_keys_beside_the_dates_are_ignored() -> None:
    answer = {"computed_at": "2025-01-09", "2025-01-01": {**COHORT, "label": "x"}}
    assert retention_of(answer).rows == [["2025-01-01", 1, 1, 1.0]]


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
    ],
)
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        retention_of(answer)


counts = st.lists(st.integers(0, 2**60) | st.floats(0, 1e12), max_size=5)
cohorts = st.fixed_dictionaries(
    {"first": st.integers(0, 2**60), "counts": counts}, optional={"rates": counts, "x": st.text()}
)
dates = st.dates().map(str) | st.dates().map(lambda day: f"{day}T00:00:00")
names = st.text().filter(lambda name: not name[:1].isdigit() and name != "$average")


def parts(found: Any, levels: int) -> list[Any]:
    """What lies `levels` below."""
    return (
        [found] if levels == 0 else [p for part in found.values() for p in parts(part, levels - 1)]
    )


@given(
    st.one_of(
        st.tuples(st.just(1), st.dictionaries(dates, cohorts)),
        st.tuples(
            st.just(2),
            st.dictionaries(dates, st.dictionaries(names, cohorts, min_size=1, max_size=3)),
        ),
        st.tuples(
            st.just(2),
            st.dictionaries(names, st.dictionaries(dates, cohorts, min_size=1, max_size=3)),
        ),
    )
)
def test_every_cohort_is_one_row_with_all_its_numbers(sent: tuple[int, Any]) -> None:
    levels, answer = sent
    found = retention_of(answer)
    assert all(len(row) == len(found.columns) for row in found.rows)
    places = [place for place, name in enumerate(found.columns) if name.startswith("count_")]
    users = found.columns.index("users")
    shown = [(row[users], *(row[place] for place in places)) for row in found.rows]
    wide = [
        (part["first"], *part["counts"], *[None] * (len(places) - len(part["counts"])))
        for part in parts(answer, levels)
    ]
    assert sorted(shown, key=repr) == sorted(wide, key=repr)


@given(st.dictionaries(st.dates().map(str), cohorts))
def test_cohorts_are_sorted_by_date(answer: Any) -> None:
    assert [row[0] for row in retention_of(answer).rows] == sorted(answer)
