"""Funnels as `GET query/insights` answers them, in every nesting."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.mixpanel.funnels import STEP_COLUMNS

from .reports import MONDAY, TUESDAY, shown
from .shapes import names


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


@pytest.mark.parametrize("name", ["all", "count", "avg_time", "2024-11-11 sale", "2024-11-11"])
def test_a_segment_of_a_funnel_keeps_its_name(name: str) -> None:
    series: Any = {"A through C": {"$overall": measures(100, 40), name: measures(100, 40)}}
    found = shown(series, "$funnel", "campaign")
    assert found.columns == ["campaign", *STEP_COLUMNS]
    assert [row[:2] for row in found.rows] == [
        [n, s] for n in ("$overall", name) for s in (1, 2, 10)
    ]
    below = {"$overall": {"all": 5}, name: {"all": 3}}
    series = {"A": {"count": {"1. A": below}, "step_conv_ratio": {"1. A": below}}}
    assert [[row[0], row[3]] for row in shown(series, "$funnel", "campaign").rows] == [
        ["$overall", 5],
        [name, 3],
    ]


@pytest.mark.parametrize(
    "nobody", [{}, {"count": {}, "step_conv_ratio": {}}, {"$overall": {}}, {"$overall": None}]
)
def test_a_funnel_without_users_is_an_empty_table(nobody: Any) -> None:
    found = shown({"A through C": nobody}, "$funnel")
    assert (found.columns, found.rows) == (list(STEP_COLUMNS), [])


def test_numbers_of_a_funnel_may_be_texts() -> None:
    series = {"A": {"count": {"1. A": "3"}, "step_conv_ratio": {"1. A": "NaN"}}}
    assert shown(series, "$funnel").rows == [[1, "A", 3, None, None, None, None]]


def test_several_funnels_are_told_apart() -> None:
    found = shown({"X": measures(100, 40), "Y": measures(100, 40)})
    assert found.columns == ["funnel", *STEP_COLUMNS]
    assert [row[0] for row in found.rows] == ["X"] * 3 + ["Y"] * 3


numbers = st.integers(0, 2**60)
steps = st.dictionaries(
    st.integers(1, 30).map(lambda number: f"{number}. A"), st.just(0), min_size=1
)


segment_names = names | st.sampled_from(["count", "all", "avg_time"])


@given(st.dictionaries(segment_names, steps.map(list), min_size=1, max_size=3), numbers)
def test_no_step_of_a_funnel_is_lost(segments: dict[str, list[str]], count: int) -> None:
    segments = {"$overall": ["1. A"], **segments}
    series = {
        "F": {
            name: {
                "count": {step: {"all": str(count)} for step in known},
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
