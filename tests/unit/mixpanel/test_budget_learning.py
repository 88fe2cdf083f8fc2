"""What Mixpanel's answers say about a budget corrects what we counted."""

from contextlib import AsyncExitStack

import anyio
import pytest

from mp_mcp.errors import RateLimitedError
from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.costs import Cost
from mp_mcp.state import State

from .budgeting import PROJECT, QUERY, Clock, ask, used

pytestmark = pytest.mark.anyio


def headers(remaining: int, reset_s: int | None = None, quota: int = 60) -> dict[str, str]:
    reset = "" if reset_s is None else f";t={reset_s}"
    return {
        "ratelimit-policy": f'"project";q={quota};w=3600, "project-concurrency";q=5;'
        'qu="concurrent-requests"',
        "ratelimit": f'"project";r={remaining}{reset}, "project-concurrency";r=4',
    }


async def test_what_others_used_of_the_project_is_learnt_from_an_answer(budget: Budget) -> None:
    await ask(budget, headers=headers(20))
    assert used(budget) == 40
    await ask(budget, headers=headers(30))
    assert used(budget) == 30


async def test_a_refusal_by_mixpanel_closes_the_hour_until_it_says(
    budget: Budget, clock: Clock
) -> None:
    await ask(budget, status=429, headers=headers(0, 600))
    with pytest.raises(RateLimitedError) as caught:
        await ask(budget)
    assert caught.value.retry_after == pytest.approx(600)
    clock.now += 600
    await ask(budget)
    assert used(budget) == 1


async def test_units_that_mixpanel_does_not_count_come_back(budget: Budget) -> None:
    for _ in range(10):
        await ask(budget)
    await ask(budget, headers=headers(55))
    # Whether those five include the request that was just answered is not known.
    assert used(budget) == 6


async def test_an_answer_that_may_not_know_of_the_others_under_way_gives_nothing_back(
    budget: Budget,
) -> None:
    async with AsyncExitStack() as others:
        for _ in range(4):
            await others.enter_async_context(budget.place(PROJECT, QUERY))
        # Counted when it came in: itself, and nobody else yet.
        await ask(budget, headers=headers(59))
        assert used(budget) == 5


async def test_a_larger_quota_is_learnt_and_kept(state: State, clock: Clock) -> None:
    await ask(Budget(state, clock=clock), headers=headers(399, quota=400))
    budget = Budget(state, clock=clock)
    for _ in range(60):
        await ask(budget)
    assert (budget.usage_of(PROJECT, "query").limit, used(budget)) == (400, 61)


async def test_more_places_are_learnt_at_once(budget: Budget) -> None:
    policy = '"project-concurrency";q=7;qu="concurrent-requests"'
    await ask(budget, headers={"ratelimit-policy": policy})
    async with AsyncExitStack() as seven:
        for _ in range(7):
            with anyio.fail_after(5):
                await seven.enter_async_context(budget.place(PROJECT, QUERY))
        assert budget.usage_of(PROJECT, "query")[4:6] == (7, 7)


async def refuse(budget: Budget, words: str, retry_after: float | None, cost: Cost = QUERY) -> None:
    """A 429 without headers, which says it in words or not at all."""
    async with budget.place(PROJECT, cost) as place:
        place.learn(429, {})
        place.learn_from_words(words, retry_after)


async def test_a_refused_export_that_has_to_wait_for_long_closes_its_hour(budget: Budget) -> None:
    await refuse(budget, "export rate limit exceeded", 900, Cost(("export",)))
    with pytest.raises(RateLimitedError, match="exports") as caught:
        await ask(budget, Cost(("export",)))
    assert caught.value.retry_after == pytest.approx(900)


async def test_a_refused_export_that_has_to_wait_a_moment_closes_nothing(budget: Budget) -> None:
    await refuse(budget, "too many export requests in progress", 5, Cost(("export",)))
    await ask(budget, Cost(("export",)))
    assert used(budget, "export") == 1


async def test_a_refused_question_to_lexicon_closes_its_minute(budget: Budget) -> None:
    await refuse(budget, "slow down", 45, Cost(("lexicon",)))
    with pytest.raises(RateLimitedError, match="Lexicon") as caught:
        await ask(budget, Cost(("lexicon",)))
    assert caught.value.retry_after == pytest.approx(45)
    assert "query_sql" not in str(caught.value.hint)


@pytest.mark.parametrize(
    "words",
    [
        "Query rate limit exceeded (61/60 queries running in the last hour).",
        "1/5 queries running concurrently and 61/60 queries running in the last hour",
    ],
)
async def test_a_refusal_without_headers_is_read_by_its_words(budget: Budget, words: str) -> None:
    await refuse(budget, words, 600)
    with pytest.raises(RateLimitedError, match="60 of 60") as caught:
        await ask(budget)
    assert caught.value.retry_after == pytest.approx(600)


@pytest.mark.parametrize("retry_after", [None, 5, 120])
async def test_an_overloaded_mixpanel_closes_nothing(
    budget: Budget, retry_after: float | None
) -> None:
    await refuse(budget, "Query rate limit exceeded for project_id: 42.", retry_after)
    await ask(budget)
    assert used(budget) == 1


@pytest.mark.parametrize(
    ("headers_said", "words"),
    [
        ({"ratelimit": '"project";r=12, "project-concurrency";r=0;t=10'}, ""),
        ({}, "Query rate limit exceeded (6/5 queries running concurrently)."),
    ],
)
async def test_places_that_others_hold_are_told_as_such(
    budget: Budget, headers_said: dict[str, str], words: str
) -> None:
    async with budget.place(PROJECT, QUERY) as place:
        place.learn(429, headers_said)
        place.learn_from_words(words, 10)
        assert place.sentence() == "All 5 places for queries at one time are taken by others."


async def test_the_limits_of_a_user_are_not_those_of_the_project(budget: Budget) -> None:
    policy = '"user";q=10;w=60, "project";q=400;w=3600'
    state = '"user";r=0;t=60, "project";r=399'
    await ask(budget, headers={"ratelimit-policy": policy, "ratelimit": state})
    usage = budget.usage_of(PROJECT, "query")
    assert (usage.used, usage.limit) == (1, 400)


async def test_a_header_with_a_huge_quota_costs_one_entry(budget: Budget, state: State) -> None:
    await ask(budget, headers=headers(0, quota=999_999_999))
    assert used(budget) == 999_999_999
    assert state.rows("SELECT count(*) FROM budget_unit") == [(2,)]


async def test_what_others_export_does_not_slow_our_starts(budget: Budget, clock: Clock) -> None:
    export = Cost(("export",))
    await ask(budget, export, headers=headers(10, 3600))
    await ask(budget, export)
    assert (used(budget, "export"), clock.slept) == (51, [])
