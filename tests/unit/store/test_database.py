import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import anyio
import duckdb
import pytest

from mp_mcp.errors import (
    DatabaseCorruptError,
    DiskFullError,
    QueryTimeoutError,
    StoreError,
)
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.open_store import Store
from mp_mcp.store.write_queue import WriteQueue
from tests.unit.store.conftest import until

pytestmark = pytest.mark.anyio

ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c WHERE a <> b"


def one(cursor: Cursor) -> object:
    return cursor.execute("SELECT 1").fetchall()


def endless(cursor: Cursor) -> object:
    return cursor.execute(ENDLESS).fetchall()


async def test_nothing_is_opened_before_the_first_call(database: Database) -> None:
    assert database.status().state == "absent"
    assert not database.path.parent.exists()


async def test_the_first_read_makes_a_private_file(database: Database) -> None:
    assert await database.run(one) == [(1,)]
    assert database.path.parent.stat().st_mode & 0o777 == 0o700
    assert database.path.stat().st_mode & 0o777 == 0o600
    assert database.status().state == "open"


async def test_an_idle_file_is_released_and_opened_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "7.db", spool=tmp_path / "spool", release_after_s=0)
    assert await database.run(one) == [(1,)]
    await until(lambda: database.status().state == "closed")
    assert await database.run(one) == [(1,)]
    await database.close()


async def test_a_released_file_has_no_log_left(database: Database, queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS a"))
    assert await database.release()
    assert [file.name for file in database.path.parent.iterdir()] == ["7.db"]


async def test_status_does_not_open_the_file(database: Database) -> None:
    await database.run(one)
    assert await database.release()
    assert database.status().state == "closed"
    assert database.status().size > 0


async def test_the_size_of_an_open_file_counts_its_log(
    database: Database, queue: WriteQueue
) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS FROM range(50000)"))
    files = {file.name: file.stat().st_size for file in database.path.parent.iterdir()}
    assert files["7.db.wal"] > 0
    assert database.status().size == files["7.db"] + files["7.db.wal"]
    await database.close()


async def test_a_used_file_is_not_released(database: Database) -> None:
    async with database.session():
        assert not await database.release()
    await until(lambda: database.is_idle)
    assert await database.release()


@pytest.mark.parametrize("tasks", [2, 8, 32])
async def test_tasks_in_flight_get_their_own_rows(
    database: Database, queue: WriteQueue, tasks: int
) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 0 AS n"))
    meeting = threading.Barrier(tasks)
    wrong: list[object] = []

    def read(number: int) -> Callable[[Cursor], None]:
        def work(cursor: Cursor) -> None:
            cursor.execute(f"SELECT {number}, r FROM range(5000) AS x(r)")
            rows = cursor.fetchmany(100)
            # All cursors are in the middle of their answer now.
            meeting.wait(timeout=20)
            rows += cursor.fetchall()
            expected = [(number, r) for r in range(5000)]
            if rows != expected:
                wrong.append(number)

        return work

    await asyncio.gather(
        *(database.run(read(number)) for number in range(tasks)),
        queue.submit(lambda cursor: cursor.execute("INSERT INTO t SELECT * FROM range(1000)")),
    )
    assert wrong == []
    assert await database.run(lambda c: c.execute("SELECT count(*) FROM t").fetchone()) == (1001,)


async def test_a_cancelled_call_returns_at_once_and_its_thread_ends(database: Database) -> None:
    ended = asyncio.Event()
    started = threading.Event()

    def work(cursor: Cursor) -> object:
        started.set()
        return endless(cursor)

    call = asyncio.create_task(database.run(work, ended=ended.set))
    await until(started.is_set)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not database.is_idle
    with anyio.fail_after(10):
        await ended.wait()
    await until(lambda: database.is_idle)
    assert await database.run(one) == [(1,)]


async def test_a_call_stops_at_its_time_limit(database: Database) -> None:
    with pytest.raises(QueryTimeoutError, match=r"time limit of 0\.05 s"):
        await database.run(endless, timeout_s=0.05)
    await until(lambda: database.is_idle)
    assert await database.run(one) == [(1,)]


async def test_an_interrupt_before_the_statement_is_not_lost(database: Database) -> None:
    go_on = threading.Event()

    def late(cursor: Cursor) -> object:
        go_on.wait(timeout=10)
        return endless(cursor)

    with pytest.raises(QueryTimeoutError):
        await database.run(late, timeout_s=0.01)
    go_on.set()
    await until(lambda: database.is_idle)


async def test_temporary_tables_live_as_long_as_their_session(database: Database) -> None:
    async with database.session(write=True) as session:
        await session.run(lambda cursor: cursor.execute("CREATE TEMP TABLE mine AS SELECT 5 AS a"))
        found = await session.run(lambda cursor: cursor.execute("FROM mine").fetchall())
        assert found == [(5,)]
        with pytest.raises(StoreError, match="no table mine"):
            await database.run(lambda cursor: cursor.execute("FROM mine").fetchall())


async def test_close_stops_what_runs_and_refuses_later_calls(database: Database) -> None:
    started = threading.Event()

    def work(cursor: Cursor) -> object:
        started.set()
        return endless(cursor)

    call = asyncio.create_task(database.run(work))
    await until(started.is_set)
    with anyio.fail_after(10):
        await database.close()
        await database.close()
    with pytest.raises(StoreError, match="stopped"):
        await call
    with pytest.raises(StoreError, match="closing"):
        await database.run(one)


async def test_no_thread_is_left_once_the_file_is_let_go(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    database = Database(tmp_path / "7.db", spool=tmp_path / "spool")
    for write in (False, True):
        await database.run(lambda cursor: cursor.execute("SELECT 1"), write=write)
    ours = set(threading.enumerate()) - before
    assert await database.release()
    await until(lambda: not any(map(threading.Thread.is_alive, ours)))
    assert await database.run(lambda cursor: cursor.execute("SELECT 7").fetchall()) == [(7,)]
    await database.close()


async def test_no_thread_is_left_after_close(tmp_path: Path) -> None:
    before = threading.active_count()
    database = Database(tmp_path / "7.db", spool=tmp_path / "spool")
    await database.run(one)
    await database.close()
    await until(lambda: threading.active_count() <= before)


async def test_a_call_that_cannot_be_stopped_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mp_mcp.store.database.STUCK_AFTER_S", 0.05)
    database = Database(tmp_path / "7.db", spool=tmp_path / "spool")
    started, go_on = threading.Event(), threading.Event()

    def deaf(_: Cursor) -> None:
        started.set()
        assert go_on.wait(timeout=20)

    call = asyncio.create_task(database.run(deaf))
    await until(started.is_set)
    with anyio.fail_after(5):
        await database.close()
    go_on.set()
    await call
    await database.close()


async def test_a_replaced_file_is_noticed(database: Database, queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS a"))
    database.path.unlink()
    assert await database.run(one) == [(1,)]
    with pytest.raises(StoreError, match="no table t"):
        await database.run(lambda cursor: cursor.execute("FROM t").fetchall())


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, where the folder should be")
    database = Database(tmp_path / "data" / "7.db", spool=tmp_path / "spool")
    with pytest.raises(StoreError, match=r"data folder .* cannot be made") as caught:
        await database.run(one)
    assert "MP_HOME" in (caught.value.hint or "")
    await database.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "7.db").write_bytes(b"no database at all" * 1000)
    database = Database(tmp_path / "7.db", spool=tmp_path / "spool")
    with pytest.raises(DatabaseCorruptError, match=r"7\.db cannot be read"):
        await database.run(one)
    await database.close()


async def test_a_damaged_file_is_named(database: Database, queue: WriteQueue, store: Store) -> None:
    await queue.submit(
        lambda cursor: cursor.execute(
            "CREATE TABLE t AS SELECT r, hash(r)::VARCHAR AS h FROM range(50000) AS x(r)"
        )
    )
    assert await database.release()
    content = bytearray(database.path.read_bytes())
    content[12288:] = b"\x5a" * (len(content) - 12288)
    database.path.write_bytes(content)
    with pytest.raises(DatabaseCorruptError) as caught:
        await store.reader().query("SELECT max(h) FROM t", limit=1)
    assert "fetch again" in (caught.value.hint or "")


async def test_a_file_of_a_newer_program_is_refused(database: Database, queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute("UPDATE _mp.meta SET value = '99'"))
    assert await database.release()
    with pytest.raises(DatabaseCorruptError, match="layout 99"):
        await database.run(one)


async def test_a_full_disk_says_so(database: Database) -> None:
    def work(cursor: Cursor) -> None:
        raise duckdb.IOException('IO Error: Could not write file "x": No space left on device')

    with pytest.raises(DiskFullError, match="No space"):
        await database.run(work)


async def test_after_a_fatal_error_the_file_is_opened_anew(database: Database) -> None:
    def work(cursor: Cursor) -> None:
        raise duckdb.FatalException("FATAL Error: the database has been invalidated")

    with pytest.raises(StoreError):
        await database.run(work)
    before = database.generation
    assert await database.run(one) == [(1,)]
    assert database.generation > before


async def test_the_configuration_is_locked_and_in_utc(database: Database) -> None:
    async def setting(name: str) -> object:
        return await database.run(
            lambda cursor: cursor.execute("SELECT current_setting(?)", [name]).fetchone()
        )

    assert await setting("TimeZone") == ("UTC",)
    assert await setting("enable_external_access") == (False,)
    assert await setting("lock_configuration") == (True,)
    assert await setting("autoload_known_extensions") == (False,)
    with pytest.raises(StoreError, match="locked"):
        await database.run(lambda cursor: cursor.execute("SET memory_limit = '90%'"))
