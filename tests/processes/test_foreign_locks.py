"""Programs that are not ours hold the file: a notebook, the duckdb shell."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from mp_mcp.errors import DatabaseLockedError
from mp_mcp.store.open_store import Files, Store
from tests.processes.foreign import Foreign, foreign_program

pytestmark = pytest.mark.anyio


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    files = Files()
    yield files
    await files.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "7.db"


@pytest.fixture
def foreign(path: Path) -> Iterator[Foreign]:
    with foreign_program(path) as program:
        yield program


def store_of(files: Files, path: Path, *, lock_wait_s: float = 0.1) -> Store:
    return files.store(path, spool=path.parent / "spool", lock_wait_s=lock_wait_s)


async def numbers(store: Store) -> list[list[object]]:
    return (await store.reader().query("SELECT n FROM t", limit=10)).rows


async def insert(store: Store, number: int) -> None:
    await store.shared.queue.submit(
        lambda cursor: cursor.execute("INSERT INTO t VALUES (?)", [number])
    )


async def make_table(store: Store) -> None:
    await store.shared.queue.submit(
        lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS n")
    )


async def test_a_foreign_writer_is_an_error_that_names_it(
    files: Files, path: Path, foreign: Foreign
) -> None:
    assert foreign.opens() == "opened"
    store = store_of(files, path)
    with pytest.raises(DatabaseLockedError) as caught:
        await store.reader().tables()
    message = caught.value.message
    assert f"PID {foreign.pid}" in message
    assert "python" in message
    assert "\n" not in message
    assert caught.value.retryable
    assert "Close the database" in (caught.value.hint or "")


async def test_a_brief_foreign_writer_is_waited_for(
    files: Files, path: Path, foreign: Foreign
) -> None:
    assert foreign.opens() == "opened"
    store = store_of(files, path, lock_wait_s=20)
    call = asyncio.create_task(store.reader().tables())
    await anyio.wait_all_tasks_blocked()
    assert not call.done()
    foreign.closes()
    assert await call == []


async def test_a_killed_holder_is_no_holder(files: Files, path: Path, foreign: Foreign) -> None:
    store = store_of(files, path, lock_wait_s=20)
    with foreign_program(path) as doomed:
        assert doomed.opens() == "opened"
        call = asyncio.create_task(store.reader().tables())
        await anyio.wait_all_tasks_blocked()
        assert not call.done()
    assert await call == []


async def test_waiting_for_a_lock_can_be_cancelled(
    files: Files, path: Path, foreign: Foreign
) -> None:
    assert foreign.opens() == "opened"
    store = store_of(files, path, lock_wait_s=600)
    call = asyncio.create_task(store.reader().tables())
    await anyio.wait_all_tasks_blocked()
    call.cancel()
    with anyio.fail_after(5):
        await asyncio.wait([call])
    assert call.cancelled()


async def test_beside_a_foreign_reader_queries_work_and_writes_say_why_not(
    files: Files, path: Path, foreign: Foreign
) -> None:
    store = store_of(files, path)
    await make_table(store)
    await store.database.release()
    assert foreign.opens(read_only=True) == "opened"
    assert await numbers(store) == [[1]]
    assert store.database.status().state == "read_only"
    with pytest.raises(DatabaseLockedError, match=r"cannot be written: .*open for reading"):
        await insert(store, 2)
    with pytest.raises(DatabaseLockedError):
        await store.writer().ready()
    assert await numbers(store) == [[1]]
    assert foreign.runs("SELECT n FROM t") == [[1]]


async def test_queries_work_while_a_write_waits_for_a_foreign_reader(
    files: Files, path: Path, foreign: Foreign
) -> None:
    store = store_of(files, path, lock_wait_s=20)
    await make_table(store)
    await store.database.release()
    assert foreign.opens(read_only=True) == "opened"
    assert await numbers(store) == [[1]]
    write = asyncio.create_task(insert(store, 2))
    for _ in range(20):
        assert await numbers(store) == [[1]]
    assert not write.done()
    foreign.closes()
    await write
    assert await numbers(store) == [[1], [2]]
    assert store.database.status().state == "open"


async def test_a_released_file_is_free_for_others_and_their_rows_are_seen(
    files: Files, path: Path, foreign: Foreign
) -> None:
    store = store_of(files, path)
    await make_table(store)
    assert foreign.tries() == "locked"
    assert await store.database.release()
    assert foreign.opens() == "opened"
    foreign.runs("INSERT INTO t VALUES (5)")
    foreign.closes()
    assert await numbers(store) == [[1], [5]]


async def test_a_foreign_lock_on_one_file_does_not_hold_up_another(
    files: Files, path: Path, foreign: Foreign
) -> None:
    assert foreign.opens() == "opened"
    waiting = asyncio.create_task(store_of(files, path, lock_wait_s=600).reader().tables())
    await anyio.wait_all_tasks_blocked()
    other = files.store(path.with_name("8.db"), spool=path.parent / "spool8")
    assert await other.reader().tables() == []
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_jobs_behind_a_foreign_lock_fail_one_by_one(
    files: Files, path: Path, foreign: Foreign
) -> None:
    assert foreign.opens() == "opened"
    store = store_of(files, path, lock_wait_s=0)
    outcomes = await asyncio.gather(
        *(insert(store, number) for number in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [DatabaseLockedError] * 3
    foreign.closes()
    await make_table(store)
    assert await numbers(store) == [[1]]


async def test_twelve_stores_of_one_process_never_lock_each_other_out(
    files: Files, path: Path
) -> None:
    stores = [store_of(files, path, lock_wait_s=0) for _ in range(12)]
    await make_table(stores[0])
    assert await asyncio.gather(*(numbers(store) for store in stores)) == [[[1]]] * 12
    assert len({id(store.shared.queue) for store in stores}) == 1
    await asyncio.gather(*(insert(store, number) for number, store in enumerate(stores, 2)))
    counted = await stores[0].reader().query("SELECT count(*) FROM t", limit=1)
    assert counted.rows == [[13]]
