"""Which chart an answer is."""

from typing import Any

import pytest

from mp_mcp.charts.shape import Bars, Heat, Series, Step, Steps, shape_of
from tests.unit.charts import results


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (results.SEGMENTATION, Series),
        (results.BREAKDOWN, Series),
        (results.TOP_EVENTS, Bars),
        (results.FUNNEL, Steps),
        (results.SEGMENTED_FUNNEL, Steps),
        (results.RETENTION, Heat),
        (results.FREQUENCY, Heat),
    ],
)
def test_the_columns_say_what_an_answer_is(answer: dict[str, Any], kind: type) -> None:
    assert isinstance(shape_of(answer), kind)


def test_a_series_of_sql_is_put_in_order() -> None:
    rows = [["2025-01-02", 2], ["2025-01-03", None], ["2025-01-01", 1.5], ["2025-01-04", 3]]
    found = shape_of({"columns": ["day", "n"], "types": ["DATE", "DOUBLE"], "rows": rows})
    days = ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"]
    assert found == Series(days, [("n", [1.5, 2, None, 3])])


@pytest.mark.parametrize(
    "rows",
    [
        [["2025-01-05", 20], ["2025-01-02", 11], ["2025-01-09", 11], ["2025-01-01", 8]],
        [["2025-01-05", 1], ["2025-01-02", 3], ["2025-01-09", 4]],
        [["Monday", 3], ["Tuesday", 1], ["Wednesday", 2]],
    ],
)
def test_the_top_days_and_the_days_of_a_week_are_bars(rows: list[list[Any]]) -> None:
    found = shape_of({"columns": ["day", "n"], "types": ["DATE", "BIGINT"], "rows": rows})
    assert isinstance(found, Bars)
    assert found.names == [row[0] for row in rows]


def test_the_latest_day_first_is_still_a_series() -> None:
    rows = [["2025-01-03", 3], ["2025-01-02", 2], ["2025-01-01", 1]]
    found = shape_of({"columns": ["day", "n"], "types": ["DATE", "BIGINT"], "rows": rows})
    assert found == Series(["2025-01-01", "2025-01-02", "2025-01-03"], [("n", [1, 2, 3])])


def test_a_funnel_keeps_its_segments_apart() -> None:
    found = shape_of(results.SEGMENTED_FUNNEL)
    assert isinstance(found, Steps)
    assert [name for name, _ in found.funnels] == ["$overall", "free", "team"]
    assert found.funnels[1][1][1] == Step("Plan Upgraded", 4991, 0.56268, 0.56268)


def test_periods_that_have_not_begun_stay_unknown() -> None:
    found = shape_of(results.RETENTION)
    assert isinstance(found, Heat)
    assert found.groups[5] == ("2025-02-06", 700, [0.833333, None, None, None, None, None])


def test_a_saved_retention_says_which_metric_a_group_is_of() -> None:
    columns = ["metric", "date", "users", "count_0", "rate_0"]
    one = [["A", "2025-02-03", 5, 4, 0.8], ["A", "$average", 5.5, 4, 0.7]]
    found = shape_of({"columns": columns, "rows": one})
    assert isinstance(found, Heat)
    assert found.groups == [("2025-02-03", 5, [0.8]), ("$average", 6, [0.7])]
    found = shape_of({"columns": columns, "rows": [*one, ["B", "2025-02-03", 2, 1, 0.5]]})
    assert isinstance(found, Heat)
    assert [name for name, _, _ in found.groups] == ["A 2025-02-03", "A $average", "B 2025-02-03"]


def test_a_day_without_users_has_no_shares() -> None:
    found = shape_of(results.FREQUENCY)
    assert isinstance(found, Heat)
    assert found.periods == ["1", "2", "3"]
    assert found.groups[1] == ("2025-02-02", 0, [None, None, None])


SQL = {"types": ["VARCHAR"]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"columns": ["date", "n"], "rows": []},
        {"columns": ["event"], "rows": [["a"], ["b"]]},
        {"columns": ["id", "name"], "rows": [[1, "a"], [2, "b"]]},
        {"columns": ["name", "n"], "rows": [["a", 1], ["b", -1]]},
        {"columns": ["name", "n"], "rows": [["a", 1]]},
        {"columns": ["name", "flag"], "rows": [["a", True], ["b", False]]},
        {"columns": ["date", "n"], "rows": [["2025-01-01", 1], ["2025-01-01", 2]]},
        {"columns": ["date", "n"], "rows": [["2025-01-01", None], ["2025-01-02", None]]},
        SQL | {"columns": ["a", "b", "c"], "rows": [["a", 1, 2], ["b", 2, 3]]},
        SQL | {"columns": ["name", "note", "count"], "rows": [["a", "x", 2], ["b", "y", 3]]},
        {"state": "done", "rows": 14657},
    ],
)
def test_what_would_mislead_is_no_chart(answer: dict[str, Any]) -> None:
    assert shape_of(answer) is None
