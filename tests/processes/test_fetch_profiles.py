"""Profiles over real processes: the table equals what the simulated Mixpanel holds."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, Finished, bare_environ, mp
from tests.processes.waiting import wait_until

ENGAGE = "/api/query/engage"
FETCH = ("fetch", "profiles", "--format", "json")
COUNTS = ("new", "changed", "gone", "unchanged")
Profiles = dict[str, dict[str, Any]]


@pytest.fixture
def mixpanel() -> Iterator[Running]:
    """A Mixpanel of this test alone, whose profiles change."""
    with simulator(events_per_day=40, days=3, last_day="2025-03-10", limits=True) as running:
        yield running


@pytest.fixture
def environ(home: Home, mixpanel: Running) -> dict[str, str]:
    return bare_environ() | {"MP_HOME": str(home.path)} | mixpanel.environ()


def stored(environ: dict[str, str], table: str = "profiles") -> Profiles:
    sql = f"SELECT distinct_id, properties FROM {table}"
    found = mp(environ, "query", "sql", sql, "--limit", "100000", "--format", "json")
    return dict(found.rows)


def counts(fetched: Finished) -> list[int]:
    return [fetched.json[name] for name in COUNTS]


def test_every_profile_of_several_pages_is_in_the_table(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mixpanel.edit_profiles({"odd": {}, "numbers": {"a": 1, "b": 1.5, "c": 2**63 + 1, "d": "1"}})
    truth = mixpanel.profiles()
    assert len(truth) > 2431
    fetched = mp(environ, *FETCH)
    assert counts(fetched) == [len(truth), 0, 0, 0]
    assert stored(environ) == truth
    sql = "SELECT sum(ltv), count(*) FILTER (\"$region\" = '<null>') FROM profiles"
    ((ltv, null_texts),) = mp(environ, "query", "sql", sql, "--format", "json").rows
    assert ltv == pytest.approx(sum(one.get("ltv", 0) for one in truth.values()))
    assert null_texts == sum(one.get("$region") == "<null>" for one in truth.values())
    (listed,) = mp(environ, "inspect", "tables", "--format", "json").rows
    assert "profiles" in listed


def test_a_crawl_is_one_query_of_equal_forms(environ: dict[str, str], mixpanel: Running) -> None:
    mixpanel.switch(engage_page_size=300)
    mp(environ, *FETCH, "-w", 'defined(properties["plan"])')
    requests = mixpanel.requests(ENGAGE)
    assert {one["status"] for one in requests} == {200}
    assert mixpanel.used()["1001"] == {"query": 1}
    assert max(one["in_flight"] for one in requests) <= 5
    types = {one["headers"]["content-type"] for one in requests}
    assert types == {"application/x-www-form-urlencoded"}
    forms = [{name: text for name, (text,) in parse_qs(one["body"]).items()} for one in requests]
    assert sorted(int(form.pop("page")) for form in forms) == list(range(len(requests)))
    sessions = [form.pop("session_id", None) for form in forms]
    assert sessions[0] is None
    assert None not in sessions[1:]
    assert len(set(sessions[1:])) == 1
    assert all(form == forms[0] for form in forms)
    assert forms[0].keys() == {"where", "as_of_timestamp"}


def test_a_fetch_without_a_total_reads_one_page_after_another(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mixpanel.switch(engage_total=False, engage_page_size=500)
    assert counts(mp(environ, *FETCH))[0] == len(mixpanel.profiles())
    assert max(one["in_flight"] for one in mixpanel.requests(ENGAGE)) == 1
    assert stored(environ) == mixpanel.profiles()


def test_progress_tells_how_many_profiles_are_there(
    environ: dict[str, str], mixpanel: Running
) -> None:
    total = len(mixpanel.profiles())
    with Agent(environ) as agent:
        agent.call("fetch_profiles")
        notes = [agent.notes.get_nowait()["params"] for _ in range(agent.notes.qsize())]
    assert {note["total"] for note in notes} == {total}
    assert f"1,000 of {total:,} profiles" in [note["message"] for note in notes]
    assert notes[-1]["progress"] == pytest.approx(total)
    assert "writing" in notes[-1]["message"]


def test_the_next_fetch_counts_what_changed(environ: dict[str, str], mixpanel: Running) -> None:
    before = len(mixpanel.profiles())
    with Agent(environ) as agent:
        agent.call("fetch_profiles")
        mixpanel.edit_profiles(
            {"u-1000": {"plan": "gone"}, "u-1001": None, "u-1002": None, "new": {"nested": [1]}}
        )
        found = agent.call("fetch_profiles")
        assert [found[name] for name in COUNTS] == [1, 1, 2, before - 3]
        assert (found["rows"], found["new_columns"]) == (before - 1, ["nested"])
        assert stored(environ) == mixpanel.profiles()
        mixpanel.edit_profiles({"u-1000": {"plan": "back"}, "u-1003": {}, "u-1004": None})
        some = ["u-1000", "u-1004", "never", "new"]
        found = agent.call("fetch_profiles", distinct_ids=some)
        assert [found[name] for name in COUNTS] == [0, 1, 1, 1]
        assert stored(environ)["u-1003"] != {}
        agent.call("fetch_profiles")
        assert stored(environ) == mixpanel.profiles()


def test_filters_choose_profiles_and_properties(environ: dict[str, str], mixpanel: Running) -> None:
    truth = mixpanel.profiles()
    team = {one: found for one, found in truth.items() if found["plan"] == "team"}
    mp(environ, *FETCH, "team", "-w", 'properties["plan"] == "team"')
    assert stored(environ, "team") == team
    mp(environ, *FETCH, "members", "-c", "1001501", "-o", "plan,seats")
    kept = {one: {"plan": "team", "seats": found["seats"]} for one, found in team.items()}
    assert stored(environ, "members") == kept
    assert counts(mp(environ, *FETCH, "leads", "-c", "1001504"))[0] == 9
    assert stored(environ, "leads")["lead-0"] == {}
    mp(environ, *FETCH, "two", "-d", "u-1003,700017")
    assert stored(environ, "two") == {one: truth[one] for one in ("u-1003", "700017")}
    used = mixpanel.used()["1001"]["query"]
    refused = mp(environ, *FETCH, "team")
    assert refused.code != 0
    assert "team_2" in refused.stderr
    assert mixpanel.used()["1001"]["query"] == used, "a refusal costs nothing"
    assert counts(mp(environ, *FETCH, "two", "--replace"))[0] == len(truth)


@pytest.mark.parametrize("status", [400, 403])
def test_a_page_that_fails_changes_nothing(
    environ: dict[str, str], mixpanel: Running, status: int
) -> None:
    mp(environ, *FETCH)
    before = stored(environ)
    mixpanel.edit_profiles({"u-1000": {"plan": "gone"}, "u-1001": None})
    mixpanel.fault(ENGAGE, "status", status=status, query={"page": "2"}, error="no such page")
    failed = mp(environ, *FETCH)
    assert failed.code != 0
    assert "no such page" in failed.stderr
    assert stored(environ) == before
    assert counts(mp(environ, *FETCH)) == [0, 1, 1, len(before) - 2]


def test_a_spent_budget_fails_at_once(environ: dict[str, str], mixpanel: Running) -> None:
    mixpanel.spend("query", 60)
    assert mp(environ, *FETCH).code == 5
    mixpanel.clear_requests()
    refused = mp(environ, *FETCH)
    assert (refused.code, mixpanel.requests(ENGAGE)) == (5, [])
    assert "60 of 60 queries are used" in refused.stderr
    assert json.loads(mp(environ, "inspect", "tables", "--format", "json").stdout)["rows"] == []


def test_a_crash_in_the_middle_leaves_the_table_as_it_was_and_the_next_fetch_is_whole(
    home: Home, environ: dict[str, str], mixpanel: Running
) -> None:
    mp(environ, *FETCH)
    before = stored(environ)
    mixpanel.edit_profiles({"u-1000": {"plan": "gone"}, "u-1001": None, "new": {}})
    mixpanel.clear_requests()
    mixpanel.fault(ENGAGE, "delay", seconds=30, query={"page": "2"})
    running = Command(environ, *FETCH)
    wait_until(lambda: len(mixpanel.requests(ENGAGE)) > 1)
    os.kill(lease.server_info(home)["pid"], signal.SIGKILL)
    wait_until(lambda: not lease.is_held(home))
    mixpanel.clear_faults()
    running.finish()
    assert stored(environ) in (before, mixpanel.profiles())
    assert mp(environ, *FETCH).code == 0
    assert stored(environ) == mixpanel.profiles()
