"""Whatever way the days are fetched, the table equals the truth, and only gaps are downloaded."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.demo.story import Story
from tests.processes.agents import Agent, mp
from tests.processes.conftest import LAST_DAY
from tests.processes.exactness import EXPORT, SEEDS, Days, Exactness, fetch_with

STORY = Story(days=10, events_per_day=400, last_day=date.fromisoformat(LAST_DAY))


@pytest.fixture
def exactness(mixpanel: Running) -> Exactness:
    found = Exactness(mixpanel, STORY)
    found.forget()
    return found


def test_a_plain_fetch_equals_the_truth_and_its_repetition_downloads_nothing(
    environ: dict[str, str], exactness: Exactness
) -> None:
    found = mp(environ, "fetch", "events", *exactness.all.words).json
    exactness.check(environ, exactness.all)
    exactness.check_truth(environ, exactness.all)
    assert exactness.exported_days() == sorted(exactness.all.each())
    assert (found["days"], found["days_fetched"], found["rows"]) == (10, 10, found["rows_fetched"])
    exactness.forget()
    again = mp(environ, "fetch", "events", *exactness.all.words).json
    assert (again["days_fetched"], again["rows"]) == (0, found["rows"])
    with Agent(environ) as agent:
        assert fetch_with(agent, exactness.days(2, 7))["days_fetched"] == 0
    assert exactness.exported() == []


def test_overlapping_pieces_in_any_order_equal_the_truth_and_no_day_is_downloaded_twice(
    environ: dict[str, str], exactness: Exactness
) -> None:
    pieces = [(2, 3), (7, 7), (1, 4), (1, 4), (3, 8), (9, 9)]
    with Agent(environ) as agent:
        fetched = []
        for piece in pieces:
            fetched.append(exactness.days(*piece))
            fetch_with(agent, fetched[-1], workers=2)
        exactness.check(environ, *fetched)
        assert exactness.exported_days() == sorted(exactness.days(1, 9).each())
        fetch_with(agent, exactness.all)
        exactness.check(environ, exactness.all)
    assert exactness.exported_days() == sorted(exactness.all.each())


def test_some_events_first_and_then_all_equal_the_truth(
    environ: dict[str, str], exactness: Exactness
) -> None:
    fetched = [
        exactness.days(0, 4, "Purchase", "Login"),
        exactness.days(3, 8, "Login", "Suporte: Olá 👋"),
        exactness.days(6, 7),
        exactness.days(5, 9, "Purchase"),
    ]
    with Agent(environ) as agent:
        for number, days in enumerate(fetched):
            fetch_with(agent, days, workers=1)
            exactness.check(environ, *fetched[: number + 1])
        exactness.forget()
        # Each of them is known already, and so is what is a part of them.
        for days in (*fetched, exactness.days(1, 8, "Login"), exactness.days(6, 7, "Search")):
            assert fetch_with(agent, days)["days_fetched"] == 0
        assert exactness.exported() == []
        found = fetch_with(agent, exactness.all, workers=1)
    assert found["days_fetched"] == 8
    assert not exactness.days(6, 7).each() & set(exactness.exported_days())
    exactness.check(environ, exactness.all)


@pytest.mark.parametrize("seed", SEEDS)
def test_three_clients_that_fetch_overlapping_days_at_once_leave_the_truth(
    environ: dict[str, str], exactness: Exactness, seed: int
) -> None:
    pick = random.Random(seed)
    asked = [[exactness.some_days(pick) for _ in range(3)] for _ in range(3)]
    # The first exports take a moment, so that fetches do meet.
    exactness.mixpanel.fault(EXPORT, "delay", seconds=0.2, times=6)
    with (
        Agent(environ, "legacy") as one,
        Agent(environ, "modern") as two,
        ThreadPoolExecutor(3) as threads,
    ):

        def ask(number: int) -> None:
            for days, workers in zip(asked[number], pick.choices((1, 2, 3, 8), k=3), strict=True):
                if number < 2:
                    fetch_with((one, two)[number], days, workers=workers)
                else:
                    words = (*days.words, "--workers", str(workers))
                    assert mp(environ, "fetch", "events", *words).json["state"] == "done"

        for done in [threads.submit(ask, number) for number in range(3)]:
            done.result()
    assert max(entry["concurrent"] for entry in exactness.mixpanel.requests(EXPORT)) > 1
    everything = list(itertools.chain.from_iterable(asked))
    exactness.check(environ, *everything)
    exactness.forget()
    for days in everything:
        assert mp(environ, "fetch", "events", *days.words).json["days_fetched"] == 0
    assert exactness.exported() == []


def test_some_events_and_all_events_at_once_leave_the_truth(
    environ: dict[str, str], exactness: Exactness
) -> None:
    asked = [
        exactness.all,
        exactness.days(0, 9, "Purchase"),
        exactness.days(2, 6, "Login", "Purchase"),
        exactness.days(4, 8),
    ]
    exactness.mixpanel.fault(EXPORT, "delay", seconds=0.2, times=8)
    with Agent(environ) as agent:
        calls = [agent.start_call("fetch_events", **days.arguments) for days in asked]
        for call in calls:
            assert agent.finish(call)["state"] == "done"
    exactness.check(environ, *asked)


def test_an_empty_day_is_complete_and_is_not_asked_for_again(
    environ: dict[str, str], exactness: Exactness
) -> None:
    assert STORY.empty_day
    few = ("--workers", "1")
    empty = Days(STORY.empty_day, STORY.empty_day)
    first = mp(environ, "fetch", "events", *empty.words, *few).json
    assert (first["days_fetched"], first["rows"]) == (1, 0)
    assert mp(environ, "query", "sql", "SELECT count(*) FROM events").rows == [[0]]
    assert len(exactness.exported()) == 1
    mp(environ, "fetch", "events", *exactness.all.words, *few)
    assert exactness.exported_days().count(STORY.empty_day) == 1
    exactness.check(environ, exactness.all)


def test_replace_starts_over_and_refresh_downloads_everything_again(
    environ: dict[str, str], exactness: Exactness
) -> None:
    fetch = ("fetch", "events", "--workers", "1")
    mp(environ, *fetch, *exactness.days(0, 5).words)
    few = exactness.days(4, 6, "Purchase")
    exactness.forget()
    assert mp(environ, *fetch, *few.words, "--replace").json["days_fetched"] == 3
    assert exactness.exported_days() == sorted(few.each())
    exactness.check(environ, few)
    mp(environ, *fetch, *exactness.days(5, 8).words, "--refresh")
    exactness.forget()
    assert mp(environ, *fetch, *exactness.days(3, 8).words, "--refresh").json["days_fetched"] == 6
    assert exactness.exported_days() == sorted(exactness.days(3, 8).each())
    exactness.check(environ, few, exactness.days(3, 8))


def test_another_filter_is_refused_before_an_export_is_spent(
    environ: dict[str, str], exactness: Exactness
) -> None:
    where = 'properties["amount"] > 20'
    days = exactness.days(0, 2)
    fetch = ("fetch", "events", "paid", *days.words, "--workers", "1")
    assert mp(environ, *fetch, "--where", where).json["rows"] > 0
    kept = mp(environ, "query", "sql", "SELECT count(*), min(amount) FROM paid").rows
    assert kept[0][1] > 20
    exactness.forget()
    for other in ((), ("--where", 'properties["amount"] > 30'), ("--where", where, "--refresh")):
        refused = mp(environ, *fetch, *other)
        if "--refresh" not in other:
            assert refused.code == 3, refused
            assert "paid_2" in refused.stderr
            assert exactness.exported() == []
    assert exactness.exported_days() == sorted(days.each())
    assert mp(environ, "query", "sql", "SELECT count(*), min(amount) FROM paid").rows == kept
    mp(environ, *fetch, "--replace")
    exactness.check(environ, days, table="paid")


def test_replacing_a_table_while_others_fetch_into_it_leaves_every_fetch_complete(
    environ: dict[str, str], exactness: Exactness
) -> None:
    asked: list[dict[str, Any]] = [
        exactness.days(0, 6).arguments | {"replace": True},
        exactness.days(4, 9).arguments | {"replace": True, "workers": 2},
        exactness.days(2, 8).arguments | {"workers": 1},
    ]
    exactness.mixpanel.fault(EXPORT, "delay", seconds=0.2, times=6)
    with Agent(environ) as agent:
        for call in [agent.start_call("fetch_events", **arguments) for arguments in asked]:
            assert agent.finish(call)["state"] == "done"
    exactness.check(environ, exactness.all)
