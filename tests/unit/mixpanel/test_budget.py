"""Who may ask now: windows, places and starts per second, shared and kept."""

from contextlib import AsyncExitStack

import anyio
import pytest

from mp_mcp.errors import RateLimitedError
from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.costs import Cost
from mp_mcp.state import State

from .budgeting import HOUR, PROJECT, QUERY, Clock, ask, used

pytestmark = pytest.mark.anyio


async def test_the_sixty_first_query_of_an_hour_fails_at_once_and_says_when(
    budget: Budget, clock: Clock
) -> None:
    for _ in range(60):
        await ask(budget)
        clock.now += 10
    with pytest.raises(RateLimitedError) as caught:
        await ask(budget)
    assert caught.value.retry_after == pytest.approx(HOUR - 600)
    assert "60 of 60 queries are used in this rolling hour" in caught.value.message
    assert "50 min" in caught.value.message
    assert clock.slept == []


async def test_the_hour_rolls_unit_by_unit(budget: Budget, clock: Clock) -> None:
    for _ in range(60):
        await ask(budget)
        clock.now += 10
    clock.now += HOUR - 600
    await ask(budget)
    with pytest.raises(RateLimitedError) as caught:
        await ask(budget)
    assert caught.value.retry_after == pytest.approx(10)


async def test_a_restart_does_not_reset_the_count(state: State, clock: Clock) -> None:
    for _ in range(60):
        await ask(Budget(state, clock=clock))
    assert used(Budget(state, clock=clock)) == 60


async def test_projects_and_places_have_budgets_of_their_own(budget: Budget) -> None:
    await ask(budget)
    await ask(budget, project="us/43")
    await ask(budget, project="127.0.0.1-80/42")
    assert [used(budget, project=project) for project in ("us/42", "us/43")] == [1, 1]
    assert budget.ledger.projects() == ["127.0.0.1-80/42", "us/42", "us/43"]


@pytest.mark.parametrize("status", [401, 402, 429])
async def test_some_refusals_give_the_unit_back(budget: Budget, status: int) -> None:
    await ask(budget, status=status)
    assert used(budget) == 0


@pytest.mark.parametrize("status", [200, 400, 403, 404, 412, 500, 502])
async def test_every_other_answer_costs_its_unit(budget: Budget, status: int) -> None:
    await ask(budget, status=status)
    assert used(budget) == 1


async def test_a_request_that_never_left_costs_nothing(budget: Budget) -> None:
    async with budget.place(PROJECT, QUERY) as place:
        place.refund()
    assert used(budget) == 0


async def test_a_request_whose_answer_never_came_has_cost_its_unit(budget: Budget) -> None:
    with pytest.raises(OSError, match="reset"):
        async with budget.place(PROJECT, QUERY):
            raise OSError("reset")
    assert (used(budget), budget.usage_of(PROJECT, "query").running) == (1, 0)


async def test_jql_takes_from_both_budgets_and_is_stopped_by_either(budget: Budget) -> None:
    both = Cost(("jql", "query"))
    await ask(budget, both)
    assert (used(budget, "jql"), used(budget)) == (1, 1)
    for _ in range(59):
        await ask(budget)
    with pytest.raises(RateLimitedError, match="Mixpanel queries is spent"):
        await ask(budget, both)
    assert used(budget, "jql") == 1


async def test_further_pages_take_a_place_but_no_unit(budget: Budget) -> None:
    page = Cost(("query",), counts=False)
    for _ in range(60):
        await ask(budget)
    async with budget.place(PROJECT, page):
        assert budget.usage_of(PROJECT, "query").running == 1
    assert used(budget) == 60


async def test_five_run_at_once_and_the_sixth_waits_for_a_place(budget: Budget) -> None:
    started: list[int] = []

    async def sixth() -> None:
        async with budget.place(PROJECT, QUERY):
            started.append(6)

    with anyio.fail_after(5):
        async with AsyncExitStack() as five, anyio.create_task_group() as tasks:
            for _ in range(5):
                await five.enter_async_context(budget.place(PROJECT, QUERY))
            tasks.start_soon(sixth)
            await anyio.wait_all_tasks_blocked()
            # The unit of the sixth is promised already.
            assert (started, used(budget)) == ([], 6)
            await five.aclose()
    assert (started, used(budget)) == ([6], 6)


async def test_who_gives_up_waiting_for_a_place_has_cost_nothing(budget: Budget) -> None:
    async with AsyncExitStack() as five:
        for _ in range(5):
            await five.enter_async_context(budget.place(PROJECT, QUERY))
        with anyio.move_on_after(0) as given_up:
            async with budget.place(PROJECT, QUERY):
                raise AssertionError("there was no place")
        assert given_up.cancelled_caught
    assert (used(budget), budget.usage_of(PROJECT, "query").running) == (5, 0)
    await ask(budget)  # nothing is left waiting in the count either


async def test_no_more_wait_for_a_place_than_there_are_units(budget: Budget) -> None:
    for _ in range(53):
        await ask(budget)
    outcomes: list[str] = []

    async def one() -> None:
        try:
            async with budget.place(PROJECT, QUERY):
                outcomes.append("asked")
        except RateLimitedError:
            outcomes.append("refused")

    with anyio.fail_after(5):
        async with AsyncExitStack() as five, anyio.create_task_group() as tasks:
            for _ in range(5):
                await five.enter_async_context(budget.place(PROJECT, QUERY))
            for _ in range(10):
                tasks.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            # Two units are left: eight are refused now, not when a place frees.
            assert outcomes == ["refused"] * 8
            await five.aclose()
    assert sorted(outcomes) == ["asked"] * 2 + ["refused"] * 8
    assert used(budget) == 60


async def test_three_exports_start_in_a_second_and_the_fourth_a_moment_later(
    budget: Budget, clock: Clock
) -> None:
    export = Cost(("export",))
    for _ in range(3):
        await ask(budget, export)
    assert clock.slept == []
    await ask(budget, export)
    assert clock.slept == [pytest.approx(1.1)]
    assert used(budget, "export") == 4


async def test_the_sixth_lexicon_request_of_a_minute_fails_at_once(
    budget: Budget, clock: Clock
) -> None:
    lexicon = Cost(("lexicon",))
    for _ in range(5):
        await ask(budget, lexicon)
    clock.now += 15
    with pytest.raises(RateLimitedError, match="rolling minute") as caught:
        await ask(budget, lexicon)
    assert caught.value.retry_after == pytest.approx(45)


@pytest.mark.parametrize("jump", [-86_400, -5])
async def test_a_clock_that_is_set_back_keeps_no_unit_longer_than_its_window(
    budget: Budget, clock: Clock, jump: int
) -> None:
    for _ in range(60):
        await ask(budget)
    clock.now += jump
    with pytest.raises(RateLimitedError) as caught:
        await ask(budget)
    assert 0 < (caught.value.retry_after or 0) <= HOUR
    clock.now += HOUR
    await ask(budget)


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "0 of 60 queries are used in this rolling hour."),
        (3, "3 of 60 queries are used in this rolling hour."),
        (60, "60 of 60 queries are used in this rolling hour; the next one frees in 60 min."),
    ],
)
async def test_a_budget_is_told_in_a_sentence(budget: Budget, count: int, says: str) -> None:
    for _ in range(count):
        await ask(budget)
    assert budget.usage_of(PROJECT, "query").sentence() == says


async def test_every_budget_of_a_project_is_shown(budget: Budget, clock: Clock) -> None:
    await ask(budget)
    clock.now += 100
    shown = {usage.kind: usage for usage in budget.usage(PROJECT)}
    assert set(shown) == {"query", "jql", "export", "lexicon"}
    assert shown["query"].next_free_s == pytest.approx(3500)
    assert (shown["export"].used, shown["export"].next_free_s) == (0, None)
