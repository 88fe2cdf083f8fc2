"""The counting and listing tools against a simulator that knows the truth."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.connect import open_pool
from mp_mcp.mixpanel.http import Http
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.results import Rows
from mp_mcp.state import open_state
from mp_mcp.tools.api.inspect_properties import inspect_properties
from mp_mcp.tools.api.inspect_values import inspect_values
from mp_mcp.tools.api.query_activity_feed import query_activity_feed
from mp_mcp.tools.api.query_event_counts import query_event_counts
from mp_mcp.tools.api.query_property_counts import query_property_counts
from mp_mcp.tools.api.query_segmentation_average import query_segmentation_average
from mp_mcp.tools.api.query_segmentation_numeric import query_segmentation_numeric
from mp_mcp.tools.api.query_segmentation_sum import query_segmentation_sum

pytestmark = pytest.mark.anyio

EVENT = "Purchase"


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with simulator(days=3) as running:
        yield running


@pytest.fixture
async def mixpanel(sim: Running) -> AsyncIterator[Mixpanel]:
    known = sim.environ()
    credentials = Credentials("service_account", known["MP_SECRET"], known["MP_USERNAME"])
    target = Target(credentials, known["MP_PROJECT_ID"], base_url=sim.base_url)
    state = open_state(Path(":memory:"))
    pool = open_pool()
    yield Mixpanel(Http(pool, target, Budget(state)))
    await pool.aclose()
    state.close()


@pytest.fixture
def days(sim: Running) -> tuple[date, date]:
    story = sim.story()
    return date.fromisoformat(story["first_day"]), date.fromisoformat(story["last_day"])


def totals(series: Rows) -> dict[str, float]:
    """The sum of each column by its name."""
    return {
        name: sum(row[position] for row in series.rows)
        for position, name in enumerate(series.columns)
        if position
    }


async def test_events_side_by_side_are_the_truth(
    sim: Running, mixpanel: Mixpanel, days: tuple[date, date]
) -> None:
    right = sim.truth()["by_event"]
    found = await query_event_counts(mixpanel, tuple(right), from_date=days[0], to_date=days[1])
    assert totals(found) == right


async def test_counts_by_value_are_the_truth(
    sim: Running, mixpanel: Mixpanel, days: tuple[date, date]
) -> None:
    right = sim.truth(event=EVENT, property="$city")["values"]
    found = await query_property_counts(
        mixpanel, EVENT, "$city", from_date=days[0], to_date=days[1], limit=1000
    )
    assert {name: count for name, count in totals(found).items() if name in right} == right
    listed = {row[0] for row in (await inspect_values(mixpanel, "$city", event=EVENT)).rows}
    assert set(right) - {"undefined"} <= listed


async def test_ranges_sum_and_average_of_a_number_agree(
    sim: Running, mixpanel: Mixpanel, days: tuple[date, date]
) -> None:
    first, last = days
    ranges = await query_segmentation_numeric(
        mixpanel, EVENT, on="amount", from_date=first, to_date=last
    )
    sums = await query_segmentation_sum(mixpanel, EVENT, on="amount", from_date=first, to_date=last)
    averages = await query_segmentation_average(
        mixpanel, EVENT, on="amount", from_date=first, to_date=last
    )
    counted = {row[0]: sum(row[1:]) for row in ranges.rows}
    assert {day: count for day, count in counted.items() if count} == sim.truth(event=EVENT)[
        "by_day"
    ]
    added = {day: pytest.approx(average * counted[day]) for day, average in averages.rows}
    assert dict(sums.rows) == added


async def test_a_feed_has_the_properties_that_are_listed(
    mixpanel: Mixpanel, days: tuple[date, date]
) -> None:
    (user,) = (await inspect_values(mixpanel, "distinct_id", event=EVENT, limit=1)).rows[0]
    found = await query_activity_feed(mixpanel, (user,), from_date=days[0], to_date=days[1])
    (purchase, *_) = [row for row in found.rows if row[1] == EVENT]
    assert purchase[2] == user
    listed = {row[0] for row in (await inspect_properties(mixpanel, EVENT)).rows}
    assert {"$city", "amount"} <= listed & set(purchase[3])
