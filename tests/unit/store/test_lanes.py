import asyncio

import anyio
import pytest

from mp_mcp.store.lanes import Lanes, Share, Turn
from tests.unit.store.conftest import until

pytestmark = pytest.mark.anyio


async def entered(lanes: Lanes) -> Turn:
    with anyio.fail_after(5):
        return await Share(lanes).enter()


async def test_a_query_that_takes_its_time_frees_the_short_lane() -> None:
    lanes = Lanes(short=1, long=1, patience_s=0)
    first = await entered(lanes)
    second = await entered(lanes)
    assert first.is_long
    assert not second.is_long
    first.leave()
    second.leave()


async def test_never_more_run_than_both_lanes_hold() -> None:
    lanes = Lanes(short=2, long=1, patience_s=0)
    turns = [await entered(lanes) for _ in range(3)]
    waiting = asyncio.create_task(Share(lanes).enter())
    await anyio.wait_all_tasks_blocked()
    assert not waiting.done()
    turns[0].leave()
    assert not (await waiting).is_over


async def test_a_long_query_moves_when_the_long_lane_gets_room() -> None:
    lanes = Lanes(short=1, long=1, patience_s=0)
    first = await entered(lanes)
    second = await entered(lanes)
    waiting = asyncio.create_task(Share(lanes).enter())
    await anyio.wait_all_tasks_blocked()
    first.leave()
    await waiting
    assert second.is_long


async def test_first_come_first_served() -> None:
    lanes = Lanes(short=1, long=0)
    turn = await entered(lanes)
    order: list[int] = []

    async def wait(number: int) -> None:
        mine = await Share(lanes).enter()
        order.append(number)
        mine.leave()

    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(wait(number)))
        await anyio.wait_all_tasks_blocked()
    turn.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_who_stops_waiting_takes_no_turn() -> None:
    lanes = Lanes(short=1, long=0)
    turn = await entered(lanes)
    leaving = asyncio.create_task(Share(lanes).enter())
    staying = asyncio.create_task(Share(lanes).enter())
    await anyio.wait_all_tasks_blocked()
    leaving.cancel()
    turn.leave()
    with anyio.fail_after(5):
        (await staying).leave()
    assert leaving.cancelled()
    (await entered(lanes)).leave()


async def test_a_turn_given_to_a_cancelled_waiter_is_given_back() -> None:
    lanes = Lanes(short=1, long=0)
    turn = await entered(lanes)
    leaving = asyncio.create_task(Share(lanes).enter())
    await anyio.wait_all_tasks_blocked()
    turn.leave()
    leaving.cancel()
    await asyncio.wait([leaving])
    (await entered(lanes)).leave()


async def test_leaving_twice_frees_one_turn() -> None:
    lanes = Lanes(short=1, long=0)
    turn = await entered(lanes)
    turn.leave()
    turn.leave()
    await entered(lanes)
    waiting = asyncio.create_task(Share(lanes).enter())
    await anyio.wait_all_tasks_blocked()
    assert not waiting.done()
    waiting.cancel()
    await until(waiting.done)


async def test_one_client_alone_leaves_the_short_lane_to_others() -> None:
    lanes = Lanes(short=1, long=2, patience_s=0)
    greedy = Share(lanes)
    with anyio.fail_after(5):
        turns = [await greedy.enter() for _ in range(2)]
        await until(lambda: all(turn.is_long for turn in turns))
        waiting = asyncio.create_task(greedy.enter())
        await anyio.wait_all_tasks_blocked()
        (await Share(lanes).enter()).leave()
        assert not waiting.done()
        turns[0].leave()
        (await waiting).leave()
    assert lanes.waiting == 0


async def test_whoever_has_fewer_turns_comes_next() -> None:
    lanes = Lanes(short=2, long=2)
    busy, idle = Share(lanes), Share(lanes)
    turns = [await busy.enter(), await busy.enter()]
    again = asyncio.create_task(busy.enter())
    await anyio.wait_all_tasks_blocked()
    first = asyncio.create_task(idle.enter())
    await anyio.wait_all_tasks_blocked()
    turns[0].leave()
    await anyio.wait_all_tasks_blocked()
    assert [first.done(), again.done()] == [True, False]
    turns[1].leave()
    (await again).leave()
    first.result().leave()
