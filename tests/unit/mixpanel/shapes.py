"""What hypothesis may put into answers: buckets of time, numbers, texts, and series of them."""

import json
from typing import Any

from hypothesis import strategies as st

from mp_mcp.results import Rows

days = st.dates().map(str) | st.datetimes().map(str)
numbers = st.integers(0, 2**70) | st.floats(0, 1e15)
cells = numbers | st.none() | numbers.map(str) | st.sampled_from(["NaN", "Infinity", float("inf")])
"""Numbers as Mixpanel may send them."""

texts = st.none() | st.text()
values = st.none() | st.booleans() | st.integers() | st.text()
dated_names = st.builds("{}{}".format, st.dates(), st.text(min_size=1).map(" {}".format))
names = st.text() | dated_names | st.dates().map(str) | st.sampled_from(["date", "all", "7 days"])
"""Names of events, metrics and segments: some look like dates, or like our own words."""

counted = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {
                "series": st.lists(days, max_size=5),
                "values": st.dictionaries(
                    names, st.dictionaries(days, cells, max_size=5), max_size=5
                ),
            }
        )
    },
    optional={"legend_size": st.integers() | st.lists(days), "computed_at": texts},
)
"""Answers of every endpoint that counts over time."""


def meant(cell: Any) -> Any:
    """The number that Mixpanel means."""
    number = json.loads(cell) if isinstance(cell, str) else cell
    return None if number in (None, float("inf")) or number != number else number


def column(name: str) -> str:
    """The name of a series as a column beside `date`."""
    return "date (value)" if name == "date" else name


def assert_whole(series: Rows, answer: dict[str, Any]) -> None:
    """Rectangular, sorted by date, every bucket there, every number where it was."""
    dates = [row[0] for row in series.rows]
    assert dates == sorted(set(dates), key=str)
    assert set(answer["data"]["series"]) <= set(dates)
    assert all(len(row) == len(series.columns) for row in series.rows)
    assert series.columns[0] == "date"
    assert len(set(series.columns)) == len(series.columns)
    sent_by_column = {column(name): sent for name, sent in answer["data"]["values"].items()}
    assert set(sent_by_column) <= set(series.columns[1:])
    for position, name in enumerate(series.columns[1:], start=1):
        sent = sent_by_column.get(name, {})
        shown = {row[0]: row[position] for row in series.rows}
        assert shown == {day: meant(sent.get(day, 0)) for day in dates}


def totals(series: Rows) -> list[Any]:
    """The sum of each column."""
    return [
        sum(row[position] or 0 for row in series.rows) for position in range(1, len(series.columns))
    ]
