"""Retention as `GET query/insights` answers it, in every nesting."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .reports import MONDAY, TUESDAY, shown
from .shapes import names

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


def test_a_retention_named_like_a_date_is_a_metric() -> None:
    label = "2024-11-11 launch and then B"
    found = shown({label: {MONDAY: COHORT}}, "$retention")
    assert found.rows == [[label, "2025-03-09", 4, 2, 0.5]]


def test_a_segment_of_a_retention_named_like_a_date_is_a_segment() -> None:
    series = {"A": {"$overall": {MONDAY: COHORT}, "2024-11-11": {MONDAY: COHORT}}}
    found = shown(series, "$retention", "signup day")
    assert [row[1:3] for row in found.rows] == [
        ["$overall", "2025-03-09"],
        ["2024-11-11", "2025-03-09"],
    ]


def test_cohorts_without_counts_are_cohorts() -> None:
    series = {"A": {MONDAY: {"first": 3, "counts": None}, TUESDAY: {}}, "B": {}}
    found = shown(series, "$retention")
    assert found.rows == [["A", "2025-03-09", 3], ["A", "2025-03-10", None], ["B", None, None]]


numbers = st.integers(0, 2**60)
sent_as = numbers | numbers.map(str)
dates = st.dates().map(lambda day: f"{day}T00:00:00-08:00")
cohorts = st.fixed_dictionaries(
    {"first": sent_as},
    optional={
        "counts": st.none() | st.lists(numbers, max_size=3),
        "rates": st.lists(st.floats(0, 1), max_size=3),
    },
)


@given(st.dictionaries(names, st.dictionaries(dates, cohorts, min_size=1), min_size=1, max_size=3))
def test_no_cohort_of_a_retention_is_lost(series: Any) -> None:
    found = shown(series, "$retention")
    assert found.columns[:3] == ["metric", "date", "users"]
    sent = [
        (label, day[:10], int(cohort["first"]))
        for label, part in series.items()
        for day, cohort in part.items()
    ]
    assert sorted(tuple(row[:3]) for row in found.rows) == sorted(sent)
    assert all(len(row) == len(found.columns) for row in found.rows)
