"""For how long an answer may be given again, by the last day that it is about."""

from datetime import date, timedelta

import pytest

from mp_mcp.mixpanel import freshness

TODAY = date(2025, 3, 10)


@pytest.mark.parametrize(
    ("days_ago", "rule"),
    [
        (-30, freshness.OPEN_RANGE),
        (0, freshness.OPEN_RANGE),
        # It may still be yesterday where the project is.
        (1, freshness.OPEN_RANGE),
        (2, freshness.CLOSED_RANGE),
        (6, freshness.CLOSED_RANGE),
        (7, freshness.SETTLED_RANGE),
        (400, freshness.SETTLED_RANGE),
    ],
)
def test_the_older_the_last_day_the_longer_an_answer_holds(days_ago: int, rule: float) -> None:
    assert freshness.until(TODAY - timedelta(days_ago), TODAY) == rule


def test_the_rules_are_minutes_for_discovery_and_days_for_settled_ranges() -> None:
    assert freshness.OPEN_RANGE <= 120 < freshness.DISCOVERY <= 600
    assert freshness.CLOSED_RANGE < freshness.SETTLED_RANGE
    assert freshness.NEVER == 0
