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


async def test_a_refused_export_without_counts_closes_its_hour(budget: Budget) -> None:
    async with budget.place(PROJECT, Cost(("export",))) as place:
        place.learn(429, {})
        place.spent_until(900)
    with pytest.raises(RateLimitedError, match="exports") as caught:
        await ask(budget, Cost(("export",)))
    assert caught.value.retry_after == pytest.approx(900)
