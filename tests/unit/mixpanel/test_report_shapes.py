from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.funnels import STEP_COLUMNS
from mp_mcp.mixpanel.report_shapes import answer_of, table_of
from mp_mcp.results import Rows

MONDAY, TUESDAY = "2025-03-09T00:00:00-08:00", "2025-03-10T00:00:00-07:00"


def shown(series: Any, *headers: str) -> Rows:
    return table_of(answer_of({"headers": list(headers), "series": series, "meta": {}, "x": 1}))


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


COHORT = {"first": 4, "counts": [2], "rates": [0.5]}
AVERAGE = {"first": 3, "counts": [1], "rates": [0.375]}


@pytest.mark.parametrize(
    "inside",
    [
        {MONDAY: {"iOS": COHORT, "$overall": COHORT}, "$average": {"$overall": AVERAGE}},
        {"iOS": {MONDAY: COHORT}, "$overall": {"$average": AVERAGE, MONDAY: COHORT}},
    ],
    ids=["date outside", "segment outside"],
)
def test_retention_by_segment_is_read_in_both_orders(inside: Any) -> None:
    found = shown({"A and then B": inside}, "$retention", "platform")
    columns = ["metric", "platform", "date", "users", "count_0", "rate_0"]
    assert found.columns == columns
    assert found.rows == [
        ["A and then B", "$overall", "2025-03-09", 4, 2, 0.5],
        ["A and then B", "$overall", "$average", 3, 1, 0.375],
        ["A and then B", "iOS", "2025-03-09", 4, 2, 0.5],
    ]


def test_retention_without_segments_has_the_average_last() -> None:
    found = shown({"A and then B": {"$average": AVERAGE, MONDAY: COHORT}}, "$retention")
    assert [row[1] for row in found.rows] == ["2025-03-09", "$average"]


def measures(first: int, second: int, cell: Any = lambda value: {"all": value}) -> dict[str, Any]:
    ratio = second / first
    return {
        "count": {"1. A": cell(first), "10. C": cell(1), "2. B": cell(second)},
        "step_conv_ratio": {"1. A": cell(1), "2. B": cell(ratio)},
        "overall_conv_ratio": {"1. A": cell(1), "2. B": cell(ratio)},
        "avg_time": {"1. A": cell(None), "2. B": cell(611)},
        "avg_time_from_start": {"2. B": cell(611)},
        "median_time": {"2. B": cell(600)},
    }


STEPS = [
    [1, "A", 100, 1, 1, None, None],
    [2, "B", 40, 0.4, 0.4, 611, 611],
    [10, "C", 1, None, None, None, None],
]


@pytest.mark.parametrize("cell", [lambda value: {"all": value}, lambda value: value])
def test_a_funnel_has_a_row_per_step_in_order(cell: Any) -> None:
    found = shown({"A through C": measures(100, 40, cell)}, "$funnel")
    assert (found.columns, found.rows) == (list(STEP_COLUMNS), STEPS)


def test_a_funnel_by_segment_has_a_column_for_it() -> None:
    series = {"A through C": {"pro": measures(100, 40), "$overall": measures(100, 40)}}
    found = shown(series, "$funnel", "plan")
    assert found.columns == ["plan", *STEP_COLUMNS]
    assert found.rows == [[name, *step] for name in ("$overall", "pro") for step in STEPS]


def test_segments_of_a_funnel_may_be_below_the_steps() -> None:
    def by_segment(value: Any) -> Any:
        return {"$overall": {"all": value}, "pro": {"all": value}}

    found = shown({"A through C": measures(100, 40, by_segment)}, "$funnel", "plan")
    assert found.rows == [[name, *step] for name in ("$overall", "pro") for step in STEPS]


def test_a_funnel_over_time_has_dates() -> None:
    series = {"A through C": {TUESDAY: measures(100, 40), MONDAY: measures(100, 40)}}
    found = shown(series, "$funnel")
    assert found.columns == ["date", *STEP_COLUMNS]
    assert found.rows == [[day, *step] for day in ("2025-03-09", "2025-03-10") for step in STEPS]


def test_several_funnels_are_told_apart() -> None:
    found = shown({"X": measures(100, 40), "Y": measures(100, 40)})
    assert found.columns == ["funnel", *STEP_COLUMNS]
    assert [row[0] for row in found.rows] == ["X"] * 3 + ["Y"] * 3


@pytest.mark.parametrize("answer", [None, [], {}, {"series": [1]}, {"series": 5}])
def test_an_unknown_envelope_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        answer_of(answer)


@pytest.mark.parametrize(
    ("series", "headers"),
    [({"Login": {MONDAY: [1, 2]}}, ["$event"]), ({"A through B": {"x": 1}}, ["$funnel"])],
)
def test_an_unknown_series_is_an_error_not_a_guess(series: Any, headers: list[str]) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        shown(series, *headers)


numbers = st.integers(0, 2**60)
dates = st.dates().map(lambda day: f"{day}T00:00:00-08:00")
names = st.text().filter(lambda name: not name[:1].isdigit())
labels = st.just("$overall") | names.filter(lambda name: name != "all")
values = st.dictionaries(dates, numbers, min_size=1, max_size=3) | st.fixed_dictionaries(
    {"all": numbers}
)
deeper = st.recursive(
    values, lambda inner: st.dictionaries(labels, inner, min_size=1, max_size=3), max_leaves=8
)


def numbers_in(node: Any) -> list[int]:
    if not isinstance(node, dict):
        return [node]
    return [number for part in node.values() for number in numbers_in(part)]


@given(st.dictionaries(labels, deeper, max_size=3), st.lists(st.text(), max_size=3))
def test_no_number_of_a_series_is_lost_at_any_depth(series: Any, headers: list[str]) -> None:
    found = shown(series, *headers)
    assert all(len(row) == len(found.columns) for row in found.rows)
    if found.columns[0] == "date":
        assert [row[0] for row in found.rows] == sorted(row[0] for row in found.rows)
        kept = [cell for row in found.rows for cell in row[1:] if cell is not None]
    else:
        kept = [row[-1] for row in found.rows]
    assert sorted(kept) == sorted(numbers_in(series))


cohorts = st.fixed_dictionaries(
    {"first": numbers, "counts": st.lists(numbers, max_size=3)},
    optional={"rates": st.lists(st.floats(0, 1), max_size=3)},
)


@given(st.dictionaries(names, st.dictionaries(dates, cohorts, min_size=1), min_size=1, max_size=3))
def test_no_cohort_of_a_retention_is_lost(series: Any) -> None:
    found = shown(series, "$retention")
    assert found.columns[:3] == ["metric", "date", "users"]
    sent = [cohort["first"] for part in series.values() for cohort in part.values()]
    assert sorted(row[2] for row in found.rows) == sorted(sent)
    assert all(len(row) == len(found.columns) for row in found.rows)


steps = st.dictionaries(
    st.integers(1, 30).map(lambda number: f"{number}. A"), st.just(0), min_size=1
)


@given(st.dictionaries(labels, steps.map(list), min_size=1, max_size=3), numbers)
def test_no_step_of_a_funnel_is_lost(segments: dict[str, list[str]], count: int) -> None:
    series = {
        "F": {
            name: {
                "count": {step: {"all": count} for step in known},
                "step_conv_ratio": {step: {"all": 0.5} for step in known},
            }
            for name, known in segments.items()
        }
    }
    found = shown(series, "$funnel", "plan")
    sent = sorted(
        (name, int(step.partition(".")[0])) for name, known in segments.items() for step in known
    )
    assert sorted((row[0], row[1]) for row in found.rows) == sent
    assert all(row[3] == count and len(row) == len(found.columns) for row in found.rows)
