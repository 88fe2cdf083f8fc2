"""Cohorts whose later periods have not begun on the project's day."""

from datetime import date

import httpx
import pytest

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.funnels import Unit
from mp_mcp.mixpanel.retention import retention, retention_of, without_future

from .conftest import Script

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 31)


@pytest.mark.parametrize(
    ("unit", "interval", "today", "known"),
    [
        ("day", 1, date(2025, 1, 30), 1),
        ("day", 1, date(2025, 1, 31), 2),
        ("day", 3, date(2025, 2, 4), 2),
        ("week", 1, date(2025, 2, 12), 2),
        ("month", 1, date(2025, 3, 2), 2),
        ("month", 1, date(2025, 3, 30), 3),
        ("day", 1, date(2026, 1, 1), 3),
    ],
)
def test_a_zero_of_a_period_that_has_not_begun_is_null(
    unit: Unit, interval: int, today: date, known: int
) -> None:
    found = retention_of({"2025-01-30": {"first": 10, "counts": [0, 0, 0]}})
    assert found.columns.index("count_2") == 4
    row = without_future(found, today, unit, interval).rows[0]
    rest = [None] * (3 - known)
    assert row[2:] == [*[0] * known, *rest, *[0.0] * known, *rest]


def test_what_mixpanel_counts_is_kept_whatever_the_day_is() -> None:
    answer = {
        "2025-01-01": {"first": 10, "counts": [9, 7]},
        "$average": {"first": 10, "counts": [9, 0]},
        "9999-12-31": {"first": 1, "counts": [0, 0]},
    }
    before = retention_of(answer).rows
    assert before[2][0] == "$average"
    after = without_future(retention_of(answer), date(2024, 1, 1), "month").rows
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] == ["9999-12-31", 1, None, None, None, None]


@pytest.mark.anyio
async def test_an_answer_of_tomorrow_has_nulls(script: Script) -> None:
    wire = script(httpx.Response(200, json={"9000-01-01": {"first": 2, "counts": [2, 0]}}))
    found = await retention(Mixpanel(wire.http), "Signup", FIRST, LAST)
    assert found.rows == [["9000-01-01", 2, 2, None, 1.0, None]]
