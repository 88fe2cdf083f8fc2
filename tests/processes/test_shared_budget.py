"""One rate budget for everybody: eight agents and a person, one project, sixty queries an hour."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.settings import Home
from tests.processes.agents import Agent, bare_environ, mp

DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-10"}


@pytest.fixture
def limited() -> Iterator[Running]:
    """A Mixpanel of this test alone that enforces its limits."""
    with simulator(events_per_day=20, days=10, last_day="2025-03-10", limits=True) as running:
        yield running


@pytest.fixture
def environ(home: Home, limited: Running) -> dict[str, str]:
    return bare_environ() | {"MP_HOME": str(home.path)} | limited.environ()


def asked(limited: Running) -> list[dict[str, Any]]:
    return limited.requests("/api/query/segmentation")


def test_eight_agents_with_a_hundred_queries_spend_sixty_and_never_more_than_five_at_once(
    environ: dict[str, str], limited: Running
) -> None:
    # Every answer takes a moment, so that all of them are under way at the same time.
    limited.fault("/api/query/segmentation", "delay", seconds=0.3, times=None)
    with ExitStack() as stack:
        agents = [stack.enter_context(Agent(environ)) for _ in range(8)]
        calls = [
            (agent, agent.start_call("query_segmentation", event=f"event {number}", **DAYS))
            for number, agent in enumerate(agents * 13)
        ][:100]
        results = [agent.wait(call)["result"] for agent, call in calls]
    refused = [result["structuredContent"] for result in results if result["isError"]]
    requests = asked(limited)
    assert len(requests) == 60
    assert {entry["status"] for entry in requests} == {200}, "Mixpanel itself refused some"
    assert max(entry["in_flight"] for entry in requests) == 5
    assert len(refused) == 40
    for error in refused:
        assert (error["code"], error["retryable"]) == ("rate_limited", True)
        assert 3000 < error["retry_after"] <= 3600
        assert "60 of 60 queries are used in this rolling hour" in error["message"]
        assert "the next one frees in" in error["message"]


def test_a_restart_of_the_server_does_not_reset_the_count(
    environ: dict[str, str], limited: Running
) -> None:
    words = ("query", "segmentation", "--from", "2025-03-01", "--to", "2025-03-02", "--fresh")
    limited.quotas(query={"per_hour": 2})
    for number in range(2):
        assert mp(environ, *words, "-e", f"event {number}").code == 0
    # Mixpanel says what the limit of this project is with its first refusal.
    assert mp(environ, *words, "-e", "refused by Mixpanel").code == 5
    mp(environ, "server", "stop")
    refused = mp(environ, *words, "-e", "refused by us")
    assert refused.code == 5
    assert "2 of 2 queries are used in this rolling hour" in refused.stderr
    assert [entry["status"] for entry in asked(limited)] == [200, 200, 429]
    (budget,) = [
        found
        for found in mp(environ, "inspect", "workspace").json["budget"]
        if found["api"] == "query"
    ]
    assert (budget["used"], budget["limit"]) == (2, 2)
    (shown,) = mp(environ, "server", "status", "-f", "json").json["budgets"]
    assert (shown["api"], shown["used"], shown["limit"]) == ("query", 2, 2)
    assert shown["project"].endswith("/1001")


def test_what_others_spent_of_the_project_is_learnt_from_mixpanel(
    environ: dict[str, str], limited: Running
) -> None:
    limited.spend("query", 60)
    words = ("query", "segmentation", "--from", "2025-03-01", "--to", "2025-03-02", "-e")
    for event in ("a", "b"):
        refused = mp(environ, *words, event)
        assert refused.code == 5
        assert "60 of 60 queries are used" in refused.stderr
    assert len(asked(limited)) == 1, "the second call had to know"
