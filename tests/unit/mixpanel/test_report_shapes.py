"""Series as `GET query/insights` answers them, at any depth."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.funnels import STEP_COLUMNS
from mp_mcp.mixpanel.report_shapes import answer_of

from .reports import MONDAY, TUESDAY, shown
from .shapes import names


def test_metrics_over_time_are_columns_with_null_where_nothing_is_known() -> None:
    series = {
        "Login [Total Events]": {TUESDAY: 131, MONDAY: 120},
        "Amount [Average]": {MONDAY: None, TUESDAY: 0.5},
        "Signup [Unique Users]": {MONDAY: 3},
    }
    found = shown(series, "$metric")
    assert found.columns == ["date", *series]
    assert found.rows == [["2025-03-09", 120, None, 3], ["2025-03-10", 131, 0.5, None]]


@pytest.mark.parametrize("hour", ["2025-03-09T13:00:00-07:00", "2025-03-09 13:00:00"])
def test_hours_stay_moments(hour: str) -> None:
    found = shown({"Login": {hour: 2, MONDAY: 1}}, "$event")
    assert sorted(row[0] for row in found.rows) == sorted([MONDAY, hour])


def test_totals_have_no_date() -> None:
    found = shown({"Login": {"all": 7}, "Buy": {"all": 9.5}, "Rate": {"all": None}}, "$metric")
    assert found.columns == ["metric", "value"]
    assert found.rows == [["Login", 7], ["Buy", 9.5], ["Rate", None]]


def test_breakdowns_follow_the_whole_and_the_largest_comes_first() -> None:
    series = {
        "Login": {
            "PT": {MONDAY: 1, TUESDAY: 2},
            "US": {TUESDAY: 9},
            "$overall": {TUESDAY: 11, MONDAY: 1},
        }
    }
    found = shown(series, "$event", "country")
    assert found.columns == ["metric", "country", "date", "value"]
    assert found.rows == [
        ["Login", "$overall", "2025-03-09", 1],
        ["Login", "$overall", "2025-03-10", 11],
        ["Login", "US", "2025-03-10", 9],
        ["Login", "PT", "2025-03-09", 1],
        ["Login", "PT", "2025-03-10", 2],
    ]


def test_deeper_breakdowns_have_a_column_per_level() -> None:
    series = {
        "B": {
            "$overall": {"all": 3},
            "US": {"$overall": {"all": 3}, "pro": {"all": 1}, "team": {"all": 2}},
        },
        "A": {"all": 5},
    }
    found = shown(series, "$metric", "country", "plan")
    assert found.columns == ["metric", "country", "plan", "value"]
    assert found.rows == [
        ["B", "$overall", None, 3],
        ["B", "US", "$overall", 3],
        ["B", "US", "team", 2],
        ["B", "US", "pro", 1],
        ["A", None, None, 5],
    ]


def test_levels_that_no_header_names_are_segments() -> None:
    found = shown({"A": {"US": {"pro": {"all": 1}}}})
    assert found.columns == ["metric", "segment_1", "segment_2", "value"]


def test_a_breakdown_by_days_is_no_series() -> None:
    found = shown({"Login": {"2024-12-31": {"all": 4}}}, "$event", "signed up on")
    assert found.columns == ["metric", "signed up on", "value"]
    assert found.rows == [["Login", "2024-12-31", 4]]


def test_values_without_a_date_are_their_own_segment() -> None:
    assert shown({"Login": {"US": 4}}, "$event", "country").rows == [["Login", "US", 4]]


@pytest.mark.parametrize(
    ("series", "header", "columns"),
    [
        ({"Login": {"$overall": {MONDAY: 1}}}, "$event", ["date", "Login"]),
        (
            {"A and then B": {MONDAY: {"$overall": {"first": 1, "counts": []}}}},
            "$retention",
            ["metric", "date", "users"],
        ),
        (
            {"A": {"$overall": {"count": {"1. A": {"all": 1}}, "step_conv_ratio": {}}}},
            "$funnel",
            list(STEP_COLUMNS),
        ),
    ],
)
def test_the_whole_of_a_report_without_breakdown_is_no_segment(
    series: Any, header: str, columns: list[str]
) -> None:
    assert shown(series, header).columns == columns
    assert shown(series, header, "plan").columns != columns


def test_a_report_without_series_is_empty() -> None:
    assert shown({}, "$metric").rows == []


def test_a_metric_named_like_a_date_is_a_metric() -> None:
    found = shown({"2024-11-11": {MONDAY: 1}, "2024-11-11 sale": {MONDAY: 2}}, "$metric")
    assert (found.columns, found.rows) == (
        ["date", "2024-11-11", "2024-11-11 sale"],
        [["2025-03-09", 1, 2]],
    )


def test_segments_of_which_some_look_like_dates_are_segments() -> None:
    found = shown({"Login": {"2024-11-11": 4, "US": 3}})
    assert found.columns == ["metric", "segment_1", "value"]
    assert found.rows == [["Login", "2024-11-11", 4], ["Login", "US", 3]]


def test_headers_tell_a_breakdown_by_days_from_a_series_over_time() -> None:
    series = {"Login": {"2024-12-31": 4, "2025-01-01": 3}}
    by_day = shown(series, "$event", "signup day")
    assert by_day.columns == ["metric", "signup day", "value"]
    assert by_day.rows == [["Login", "2024-12-31", 4], ["Login", "2025-01-01", 3]]
    assert shown(series, "$event").columns == ["date", "Login"]


def test_a_segment_named_all_is_no_total() -> None:
    found = shown({"Login": {"all": 4, "none": 3}}, "$event", "plan")
    assert found.rows == [["Login", "all", 4], ["Login", "none", 3]]


def test_metrics_and_segments_without_points_keep_their_places() -> None:
    found = shown({"Login": {}, "Signup": {MONDAY: 3}}, "$event")
    assert (found.columns, found.rows) == (["date", "Login", "Signup"], [["2025-03-09", None, 3]])
    found = shown({"Login": {"$overall": {MONDAY: 3}, "US": {}}}, "$event", "country")
    assert found.rows == [["Login", "$overall", "2025-03-09", 3], ["Login", "US", None, None]]
    whole = shown({"Login": {}, "Signup": {"$overall": {MONDAY: 3}}}, "$event")
    assert whole.columns == ["date", "Login", "Signup"]
    assert shown({"Login": {}}, "$event").rows == [["Login", None]]


def test_numbers_may_be_texts_and_other_texts_stay_what_they_are() -> None:
    found = shown({"A": {"all": "7"}, "B": {"all": "NaN"}, "C": {"all": "most frequent"}})
    assert found.rows == [["A", 7], ["B", None], ["C", "most frequent"]]
    assert shown({"A": {"all": float("inf")}}).rows == [["A", None]]


@pytest.mark.parametrize(
    ("series", "headers", "columns"),
    [
        ({"date": {MONDAY: 1}}, ["$event"], ["date", "date (value)"]),
        (
            {"A": {"US": {MONDAY: 1}}},
            ["$event", "date"],
            ["metric", "date (value)", "date", "value"],
        ),
        (
            {"A": {"US": {MONDAY: {"first": 1, "counts": []}}}},
            ["$retention", "users"],
            ["metric", "users (value)", "date", "users"],
        ),
        (
            {"A": {"US": {"count": {"1. A": 1}, "step_conv_ratio": {}}}},
            ["$funnel", "event"],
            ["event (value)", *STEP_COLUMNS],
        ),
    ],
)
def test_a_breakdown_named_like_a_column_of_ours_has_another_name(
    series: Any, headers: list[str], columns: list[str]
) -> None:
    assert shown(series, *headers).columns == columns


def test_a_breakdown_value_named_first_is_no_cohort() -> None:
    found = shown({"Login": {"first": 5, "second": 6}}, "$event", "visit")
    assert found.rows == [["Login", "second", 6], ["Login", "first", 5]]


@pytest.mark.parametrize("answer", [None, [], {}, {"series": [1]}, {"series": 5}])
def test_an_unknown_envelope_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        answer_of(answer)


@pytest.mark.parametrize(
    ("series", "headers"),
    [
        ({"Login": {MONDAY: [1, 2]}}, ["$event"]),
        ({"A through B": {"x": 1}}, ["$funnel"]),
        ({"A and then B": {"x": 1}}, ["$retention"]),
        ({"A and then B": {"iOS": {"first": 1, "counts": [1]}}}, ["$retention"]),
    ],
)
def test_an_unknown_series_is_an_error_not_a_guess(series: Any, headers: list[str]) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        shown(series, *headers)


numbers = st.integers(0, 2**60)
sent_as = numbers | numbers.map(str)
dates = st.dates().map(lambda day: f"{day}T00:00:00-08:00")
labels = st.just("$overall") | names.filter(lambda name: name != "all")
values = st.dictionaries(dates, sent_as, max_size=3) | st.fixed_dictionaries({"all": sent_as})
deeper = st.recursive(
    values, lambda inner: st.dictionaries(labels, inner, min_size=1, max_size=3), max_leaves=8
)


def numbers_in(node: Any) -> list[int]:
    if not isinstance(node, dict):
        return [int(node)]
    return [number for part in node.values() for number in numbers_in(part)]


@given(st.dictionaries(labels, deeper, max_size=3), st.lists(st.text(), max_size=3))
def test_no_number_of_a_series_is_lost_at_any_depth(series: Any, headers: list[str]) -> None:
    found = shown(series, *headers)
    assert all(len(row) == len(found.columns) for row in found.rows)
    if found.columns[0] == "date":
        assert [row[0] for row in found.rows] == sorted(row[0] for row in found.rows)
        kept = [cell for row in found.rows for cell in row[1:] if cell is not None]
    else:
        kept = [row[-1] for row in found.rows if row[-1] is not None]
    assert len(set(found.columns)) == len(found.columns)
    assert sorted(kept) == sorted(numbers_in(series))
