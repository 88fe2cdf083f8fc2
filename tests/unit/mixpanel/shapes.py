"""What hypothesis may put into answers: buckets of time, numbers, texts, and series of them."""

from typing import Any

from hypothesis import strategies as st

from mp_mcp.results import Rows

days = st.dates().map(str) | st.datetimes().map(str)
numbers = st.integers(0, 2**70) | st.floats(0, 1e15)
texts = st.none() | st.text()
values = st.none() | st.booleans() | st.integers() | st.text()

counted = st.fixed_dictionaries(
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
    optional={"legend_size": st.integers() | st.lists(days), "computed_at": texts},
)
"""Answers of every endpoint that counts over time."""


def assert_whole(series: Rows, answer: dict[str, Any]) -> None:
    """Rectangular, sorted by date, every bucket there, every number where it was."""
    dates = [row[0] for row in series.rows]
    assert dates == sorted(set(dates), key=str)
    assert set(answer["data"]["series"]) <= set(dates)
    assert all(len(row) == len(series.columns) for row in series.rows)
    assert series.columns[0] == "date"
    assert set(answer["data"]["values"]) <= set(series.columns[1:])
    for position, name in enumerate(series.columns[1:], start=1):
        sent = answer["data"]["values"].get(name, {})
        shown = {row[0]: row[position] for row in series.rows}
        assert shown == {day: sent.get(day) or 0 for day in dates}


def totals(series: Rows) -> list[Any]:
    """The sum of each column."""
    return [sum(row[position] for row in series.rows) for position in range(1, len(series.columns))]
