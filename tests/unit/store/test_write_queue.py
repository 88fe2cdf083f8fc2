import asyncio
import threading
from collections.abc import Callable

import anyio
import pytest

from mp_mcp.errors import QueryError, QueueFullError, StoreError
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.write_queue import WriteQueue
from tests.unit.store.conftest import until

pytestmark = pytest.mark.anyio


async def rows(database: Database) -> list[int]:
    found = await database.run(lambda cursor: cursor.execute("SELECT n FROM t").fetchall())
    return [number for (number,) in found]


async def make_table(queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t (n INTEGER)"))


class Held:
    """A job that runs until it is let go; proves that the writer is busy."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, _: Cursor) -> str:
        self.started.set()
        assert self.go_on.wait(timeout=20)
        return "held"


def insert(number: int) -> Callable[[Cursor], int]:
    def job(cursor: Cursor) -> int:
        cursor.execute("INSERT INTO t VALUES (?)", [number])
        return number

    return job


async def test_jobs_run_one_after_another_in_order(database: Database, queue: WriteQueue) -> None:
    await make_table(queue)
    results = await asyncio.gather(*(queue.submit(insert(n)) for n in range(3)))
    assert list(results) == [0, 1, 2]
    assert await rows(database) == [0, 1, 2]


async def test_a_failed_job_leaves_nothing_and_the_next_one_runs(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)

    def fails(cursor: Cursor) -> None:
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute("INSERT INTO t VALUES ('no number')")

    with pytest.raises(QueryError):
        await queue.submit(fails)
    await queue.submit(lambda cursor: cursor.execute("INSERT INTO t VALUES (2)"))
    assert await rows(database) == [2]


async def test_an_aborted_transaction_cannot_pass_as_success(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)

    def hides_its_failure(cursor: Cursor) -> str:
        cursor.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(Exception, match="Conversion"):
            cursor.execute("INSERT INTO t VALUES ('no number')")
        return "done"

    with pytest.raises(StoreError, match="aborted"):
        await queue.submit(hides_its_failure)
    assert await rows(database) == []


async def test_a_full_queue_is_an_error_at_once(queue: WriteQueue) -> None:
    held = Held()
    async with anyio.create_task_group() as group:
        group.start_soon(queue.submit, held)
        await until(held.started.is_set)
        for _ in range(3):
            group.start_soon(queue.submit, lambda _: None)
        await until(lambda: queue.waiting == 3)
        with pytest.raises(QueueFullError) as caught:
            await queue.submit(lambda _: None)
        held.go_on.set()
    assert caught.value.message == "3 writes are waiting already, as many as may."
    assert "max_waiting_writes" in str(caught.value.hint)
    assert caught.value.retryable
    assert caught.value.retry_after
    assert await queue.submit(lambda _: "fine") == "fine"


async def test_a_waiter_that_leaves_takes_its_job_along(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)
    held = Held()
    running = asyncio.create_task(queue.submit(held))
    await until(held.started.is_set)
    leaving = asyncio.create_task(queue.submit(insert(1)))
    await until(lambda: queue.waiting == 1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    held.go_on.set()
    assert await running == "held"
    await queue.close()
    assert await rows(database) == []


async def cancelled(call: asyncio.Task[object]) -> None:
    """Cancel it twice, as an impatient client and then a leaving server do."""
    for _ in range(2):
        call.cancel()
        await anyio.wait_all_tasks_blocked()


async def test_a_job_that_runs_is_committed_before_its_waiter_may_leave(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)
    held = Held()

    def work(cursor: Cursor) -> None:
        held(cursor)
        insert(1)(cursor)

    running: asyncio.Task[object] = asyncio.create_task(queue.submit(work))
    await until(held.started.is_set)
    await cancelled(running)
    assert not running.done()
    held.go_on.set()
    with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
        await running
    assert await rows(database) == [1]
    assert await queue.submit(insert(2)) == 2


async def test_a_job_that_fails_after_its_waiter_left_leaves_nothing(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)
    held = Held()

    def fails(cursor: Cursor) -> None:
        insert(1)(cursor)
        held(cursor)
        cursor.execute("INSERT INTO t VALUES ('no number')")

    running: asyncio.Task[object] = asyncio.create_task(queue.submit(fails))
    await until(held.started.is_set)
    await cancelled(running)
    held.go_on.set()
    with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
        await running
    assert await rows(database) == []


async def test_a_cancelled_scope_waits_for_the_commit(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)
    held = Held()

    def work(cursor: Cursor) -> None:
        held(cursor)
        insert(1)(cursor)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(queue.submit, work)
            await until(held.started.is_set)
            group.cancel_scope.cancel()
            held.go_on.set()
    assert await rows(database) == [1]


async def test_a_cancelled_writer_ends_its_transaction(
    database: Database, queue: WriteQueue
) -> None:
    """When an event loop ends it cancels every task, not only the waiters."""
    await make_table(queue)
    held = Held()

    def work(cursor: Cursor) -> None:
        held(cursor)
        insert(1)(cursor)

    before = asyncio.all_tasks()
    running = asyncio.create_task(queue.submit(work))
    await until(held.started.is_set)
    started = asyncio.all_tasks() - before
    for task in started:
        task.cancel()
    await anyio.wait_all_tasks_blocked()
    assert not running.done()
    held.go_on.set()
    await asyncio.wait(started, timeout=10)
    assert running.cancelled()
    assert await rows(database) == [1]


async def test_close_finishes_what_waits_and_refuses_more(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)
    held = Held()
    async with anyio.create_task_group() as group:
        group.start_soon(queue.submit, held)
        await until(held.started.is_set)
        waiting = asyncio.create_task(queue.submit(insert(1)))
        await until(lambda: queue.waiting == 1)
        group.start_soon(queue.close)
        held.go_on.set()
    assert await waiting == 1
    assert await rows(database) == [1]
    with pytest.raises(StoreError, match="closing"):
        await queue.submit(insert(2))


async def test_a_job_can_use_the_temporary_tables_of_its_session(
    database: Database, queue: WriteQueue
) -> None:
    await make_table(queue)
    async with database.session(write=True) as session:
        await session.run(lambda cursor: cursor.execute("CREATE TEMP TABLE s AS SELECT 7 AS n"))
        await queue.submit(
            lambda cursor: cursor.execute("INSERT INTO t FROM s"), session=session, checkpoint=True
        )
    assert await rows(database) == [7]


async def test_readers_do_not_wait_for_the_writer(database: Database, queue: WriteQueue) -> None:
    await make_table(queue)
    held = Held()
    async with anyio.create_task_group() as group:
        group.start_soon(queue.submit, held)
        await until(held.started.is_set)
        assert await rows(database) == []
        held.go_on.set()
