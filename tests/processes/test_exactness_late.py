"""Events that arrive late are fetched with the young days; old days are left alone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.demo.story import Story
from mp_mcp.settings import Home
from tests.processes.agents import bare_environ, mp
from tests.processes.conftest import LAST_DAY, configure_server
from tests.processes.exactness import Days, Exactness

LAST = date.fromisoformat(LAST_DAY)
FETCH = ("fetch", "events", "--workers", "2")


@pytest.fixture
def mixpanel() -> Iterator[Running]:
    """One whose late events arrive when the test says so."""
    with simulator(events_per_day=400, days=10, last_day=LAST_DAY) as running:
        yield running


@pytest.fixture
def exactness(mixpanel: Running) -> Exactness:
    return Exactness(mixpanel, Story(days=10, events_per_day=400, last_day=LAST))


def age_of(day: date) -> float:
    """Days from the end of that day until now."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return (datetime.now(UTC) - end) / timedelta(days=1)


def test_late_events_come_with_young_days_and_with_a_refresh(
    home: Home, environ: dict[str, str], exactness: Exactness
) -> None:
    young = exactness.days(7, 9)
    with_late = [LAST - timedelta(number) for number in range(5)]
    # The oldest of the young ones is as old as may be.
    configure_server(home, late_days=age_of(young.first) + 0.5)
    first = mp(environ, *FETCH, *exactness.all.words).json
    exactness.check(environ, exactness.all)
    exactness.mixpanel.late()
    exactness.forget()
    for _ in range(2):
        again = mp(environ, *FETCH, *exactness.all.words).json
        assert again["days_fetched"] == 3
        exactness.check(environ, exactness.all, late=sorted(young.each()))
    assert again["rows"] > first["rows"]
    assert exactness.exported_days() == sorted([*young.each(), *young.each()])
    exactness.forget()
    mp(environ, *FETCH, *exactness.all.words, "--refresh")
    assert exactness.exported_days() == sorted(exactness.all.each())
    exactness.check(environ, exactness.all, late=with_late)
    exactness.check_truth(environ, exactness.all)


def test_days_that_are_to_come_are_not_asked_for(home: Home) -> None:
    with simulator(events_per_day=100, days=4) as mixpanel:
        story = mixpanel.story()
        last, today = (date.fromisoformat(story[name]) for name in ("last_day", "today"))
        exactness = Exactness(mixpanel, Story(days=4, events_per_day=100, last_day=last))
        environ = bare_environ() | {"MP_HOME": str(home.path)} | mixpanel.environ()
        asked = Days(exactness.all.first, today + timedelta(30))
        found = mp(environ, *FETCH, *asked.words).json
        assert (found["to_date"], found["days"], found["days_fetched"]) == (str(today), 5, 5)
        assert "It ends today" in found["hint"]
        assert max(exactness.exported_days()) == today
        exactness.check(environ, exactness.all)
        exactness.forget()
        refused = mp(environ, *FETCH, *Days(today + timedelta(2), asked.last).words)
        assert refused.code == 3
        assert "is in the future" in refused.stderr
        assert exactness.exported() == []
