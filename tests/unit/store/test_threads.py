import os
import threading

import anyio
import pytest

from mp_mcp.store.threads import NICENESS, Threads

pytestmark = pytest.mark.anyio


def fail() -> None:
    raise ValueError("no")


async def test_an_outcome_comes_back() -> None:
    threads = Threads("test")
    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ValueError, match="no"):
        await threads.run(fail)
    threads.close()


async def test_a_call_never_waits_for_a_busy_thread() -> None:
    threads = Threads("test")
    go_on = threading.Event()
    busy = [threads.run(go_on.wait) for _ in range(20)]
    with anyio.fail_after(5):
        assert await threads.run(lambda: 7) == 7
    go_on.set()
    assert [await call for call in busy] == [True] * 20
    threads.close()


async def test_idle_threads_are_used_again_and_end_at_close() -> None:
    before = set(threading.enumerate())
    threads = Threads("test")
    for _ in range(20):
        await threads.run(lambda: None)
    ours = set(threading.enumerate()) - before
    assert len(ours) == 1
    assert all(thread.daemon for thread in ours)
    threads.close()
    assert not any(thread.is_alive() for thread in ours)


async def test_only_idle_threads_are_ended_and_later_calls_start_new_ones() -> None:
    before = set(threading.enumerate())
    threads = Threads("test")
    go_on = threading.Event()
    busy = threads.run(go_on.wait)
    await threads.run(lambda: None)
    (idle,) = {await threads.run(threading.current_thread)}
    threads.end_idle()
    idle.join(5)
    assert not idle.is_alive()
    assert len(set(threading.enumerate()) - before) == 1
    with anyio.fail_after(5):
        assert await threads.run(threading.current_thread) is not idle
    go_on.set()
    assert await busy
    threads.close()
    assert not set(threading.enumerate()) - before


async def test_an_outcome_that_nobody_waits_for_is_dropped() -> None:
    threads = Threads("test")
    go_on = threading.Event()
    call = threads.run(go_on.wait)
    call.cancel()
    go_on.set()
    assert await threads.run(lambda: 7) == 7
    threads.close()


async def test_threads_in_the_background_and_those_they_start_let_others_go_first() -> None:
    before = niceness()
    threads = [Threads("test"), Threads("test", background=True)]
    seen = [(await pool.run(niceness), await pool.run(niceness_of_a_child)) for pool in threads]
    assert seen == [(before, before), (max(before, NICENESS),) * 2]
    assert niceness() == before
    for pool in threads:
        pool.close()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def niceness_of_a_child() -> int:
    seen: list[int] = []
    child = threading.Thread(target=lambda: seen.append(niceness()))
    child.start()
    child.join()
    return seen[0]
