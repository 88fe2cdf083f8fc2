"""Reads that wait for their turn, run out of time, are cancelled, or come in crowds."""

import asyncio

import anyio
import pytest

from mp_mcp.errors import QueryTimeoutError
from mp_mcp.store.lanes import LONG, Lanes, Share
from mp_mcp.store.open_store import Store
from mp_mcp.store.reads import Limits, Reader
from tests.unit.store.conftest import until
from tests.unit.store.test_database import ENDLESS

pytestmark = pytest.mark.anyio


async def test_a_query_stops_at_its_time_limit_and_frees_its_slot(store: Store) -> None:
    reader = store.reader(Limits(timeout_s=0.05))
    for _ in range(10):
        with pytest.raises(QueryTimeoutError):
            await reader.query(ENDLESS, limit=1)
    with anyio.fail_after(10):
        assert (await store.reader().query("SELECT 1", limit=1)).rows == [[1]]
    await until(lambda: store.database.is_idle)


async def test_a_cancelled_query_frees_its_slot(store: Store) -> None:
    calls = [asyncio.create_task(store.reader().query(ENDLESS, limit=1)) for _ in range(12)]
    await until(lambda: store.database.status().running > 0)
    for call in calls:
        call.cancel()
    done, _ = await asyncio.wait(calls, timeout=10)
    assert [call.cancelled() for call in done] == [True] * 12
    with anyio.fail_after(10):
        assert (await store.reader().query("SELECT 1", limit=1)).rows == [[1]]
    await until(lambda: store.database.is_idle)


async def test_a_client_that_asks_for_much_leaves_room_for_others(store: Store) -> None:
    greedy = [asyncio.create_task(store.reader().query(ENDLESS, limit=1)) for _ in range(20)]
    await until(lambda: store.database.status().running == LONG)
    other = Store(store.shared, lock_wait_s=1)
    with anyio.fail_after(10):
        assert (await other.reader().query("SELECT 1", limit=1)).rows == [[1]]
    assert store.database.status().running == LONG
    for call in greedy:
        call.cancel()
    await asyncio.wait(greedy)


async def test_a_full_house_is_a_time_out_that_says_so(store: Store) -> None:
    shared = store.shared
    reader = Reader(
        store.database,
        shared.guarded,
        Share(Lanes(1, 0)),
        Limits(),
        covers=shared.covers,
        keys=shared.keys,
        seen=shared.seen,
    )
    call = asyncio.create_task(reader.query(ENDLESS, limit=1))
    await until(lambda: store.database.status().running == 1)
    with pytest.raises(QueryTimeoutError, match="slots"):
        await reader.query("SELECT 1", limit=1, timeout_s=0.01)
    call.cancel()
    await asyncio.wait([call])


async def test_a_time_limit_is_named_as_it_was_asked_for(store: Store) -> None:
    lanes = Share(Lanes(1, 0))
    turn = await lanes.enter()
    shared = store.shared
    reader = Reader(
        store.database,
        shared.guarded,
        lanes,
        Limits(),
        covers=shared.covers,
        keys=shared.keys,
        seen=shared.seen,
    )
    call = asyncio.create_task(reader.query(ENDLESS, limit=1, timeout_s=0.3))
    await anyio.sleep(0.1)  # a part of the limit goes by in the queue
    turn.leave()
    with pytest.raises(QueryTimeoutError, match=r"time limit of 0\.3 s"):
        await call


async def test_a_caller_cannot_raise_its_time_limit_above_the_readers(store: Store) -> None:
    reader = store.reader(Limits(max_timeout_s=0.05))
    with pytest.raises(QueryTimeoutError, match=r"time limit of 0\.0"):
        await reader.query(ENDLESS, limit=1, timeout_s=600)
