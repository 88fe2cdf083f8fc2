from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.answers import bookmarks_of, event_names_of, me_of, series_of

days = st.dates().map(str) | st.datetimes().map(str)
numbers = st.integers(0, 2**70) | st.floats(0, 1e15)
segmentations = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {
                "series": st.lists(days, max_size=5),
                "values": st.dictionaries(
                    st.text(), st.dictionaries(days, numbers | st.none(), max_size=5), max_size=5
                ),
            }
        )
    },
    optional={"legend_size": st.integers() | st.lists(days)},
)
texts = st.none() | st.text()
reports = st.fixed_dictionaries(
    {"id": st.integers(1, 2**53)},
    optional={
        "name": texts,
        "type": texts,
        "created": texts,
        "creator_name": texts,
        "dashboard_id": st.none() | st.integers(),
        "params": texts | st.dictionaries(st.text(), st.integers()),
        "metadata": st.dictionaries(st.text(), st.text()),
    },
)
values = st.none() | st.booleans() | st.integers() | st.text()


@given(segmentations)
def test_a_series_is_rectangular_sorted_and_keeps_every_total(answer: dict[str, Any]) -> None:
    series = series_of(answer, "Login")
    dates = [row[0] for row in series.rows]
    assert dates == sorted(set(dates), key=str)
    assert set(answer["data"]["series"]) <= set(dates)
    assert all(len(row) == len(series.columns) for row in series.rows)
    totals = []
    for position, name in enumerate(series.columns[1:], start=1):
        sent = answer["data"]["values"].get(name, {})
        shown = {row[0]: row[position] for row in series.rows}
        assert shown == {day: sent.get(day) or 0 for day in dates}
        totals.append(sum(number or 0 for number in sent.values()))
    assert totals == sorted(totals, reverse=True)


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


def test_whole_numbers_stay_whole_and_averages_stay_exact() -> None:
    answer = {"data": {"series": ["a", "b"], "values": {"x": {"a": 2**60 + 1, "b": 0.1}}}}
    cells = [row[1] for row in series_of(answer, "x").rows]
    assert cells == [2**60 + 1, 0.1]
    assert [type(cell) for cell in cells] == [int, float]


@given(st.lists(reports, max_size=4), st.integers(0, 2))
def test_saved_reports_are_read_from_any_envelope(sent: list[Any], envelopes: int) -> None:
    answer: Any = sent
    for _ in range(envelopes):
        answer = {"results": answer}
    assert [bookmark.id for bookmark in bookmarks_of(answer)] == [entry["id"] for entry in sent]


@given(st.lists(st.text()))
def test_event_names_are_sorted_and_complete(names: list[str]) -> None:
    assert event_names_of(names) == sorted(set(names))


@given(
    st.dictionaries(
        st.integers(1).map(str),
        st.fixed_dictionaries(
            {"name": st.text()},
            optional={"timezone": texts, "domain": texts, "role": texts, "type": values},
        ),
        max_size=3,
    )
)
def test_every_visible_project_is_read(projects: dict[str, Any]) -> None:
    me = me_of({"status": "ok", "results": {"user_id": 9, "projects": projects}})
    assert me.user_id == "9"
    assert {project.id: project.name for project in me.projects} == {
        project_id: entry["name"] for project_id, entry in projects.items()
    }


def test_the_user_is_read_with_projects_and_data_views() -> None:
    me = me_of(
        {
            "status": "ok",
            "results": {
                "user_id": 9,
                "user_email": "sa@example.org",
                "user_name": "etl",
                "projects": {
                    "42": {
                        "name": "Shop",
                        "timezone": "Europe/Lisbon",
                        "domain": "eu.mixpanel.com",
                        "type": 1,
                        "role": "analyst",
                    }
                },
                "workspaces": {
                    "4201": {"id": 4201, "name": "All", "project_id": 42, "is_global": True}
                },
            },
        }
    )
    shop = me.project("42")
    assert shop is not None
    assert (shop.name, shop.timezone, shop.region, shop.role) == (
        "Shop",
        "Europe/Lisbon",
        "eu",
        "analyst",
    )
    assert me.project("43") is None
    assert [(view.id, view.project_id, view.is_global) for view in me.workspaces] == [
        ("4201", "42", True)
    ]


@pytest.mark.parametrize("read", [event_names_of, bookmarks_of, me_of])
@pytest.mark.parametrize("answer", [None, 5, "text", [{"a": 1}], {"a": [1]}, {"results": 7}])
def test_an_unknown_shape_is_an_error_not_a_guess(read: Any, answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        read(answer)


def test_a_segmentation_of_unknown_shape_is_an_error() -> None:
    with pytest.raises(MixpanelError, match="shape"):
        series_of({"data": [1]}, "Login")
