"""Loads too large for memory: the same rows as small ones, and nothing left behind."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest

from mp_mcp.errors import TableExistsError
from mp_mcp.store import large, load
from mp_mcp.store.database import Cursor
from mp_mcp.store.large import are_large
from mp_mcp.store.models import LoadReport
from mp_mcp.store.open_store import Store
from tests.unit.store.conftest import until
from tests.unit.store.loading import JAN_1, line
from tests.unit.store.test_opening import released
from tests.unit.store.test_writes import count, export

pytestmark = pytest.mark.anyio

ROWS = "SELECT event, time, distinct_id, insert_id, day, properties FROM {} ORDER BY ALL"


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LARGE_BYTES", 0)


async def staged(store: Store) -> list[str]:
    def look(cursor: Cursor) -> list[str]:
        sql = "SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'staged_')"
        return [name for (name,) in cursor.execute(sql).fetchall()]

    return await store.database.run(look)


@pytest.mark.parametrize("events", [(), ("Signup",)])
async def test_a_large_load_brings_the_rows_of_a_small_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, events: tuple[str, ...]
) -> None:
    odd = [7, None, "12", 1 << 60]
    lines = [
        line("Signup", **{"$insert_id": f"{n % 7}", "distinct_id": "u", "odd": odd[n % 4]})
        for n in range(20)
    ]
    writer = store.writer()
    found = []
    async with writer.spool() as folder:
        file = folder / "export.jsonl"
        file.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
        for table, most in (("small", 1_000_000), ("big", 0)):
            monkeypatch.setattr(large, "LARGE_BYTES", most)
            assert are_large([file]) == (most == 0)
            for _ in range(2):
                report = await writer.load_events(table, [file], days=(JAN_1, JAN_1), events=events)
            rows = (await store.reader().query(ROWS.format(table), limit=100)).rows
            found.append((report.model_dump(exclude={"reject_file"}), rows))
    assert found[0] == found[1]
    assert len(found[0][1]) == 7
    assert await staged(store) == []


async def test_rows_of_a_large_load_wait_in_a_table_of_the_file(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = load.swap_events, []

    def looking(cursor: Cursor, staged: load.Staged, **how: Any) -> LoadReport:
        seen.append(staged.rows_in)
        return real(cursor, staged, **how)

    monkeypatch.setattr(load, "swap_events", looking)
    writer = store.writer()
    async with writer.spool() as folder:
        await writer.load_events("events", [export(folder, 0, 5)], days=None)
    assert [name.startswith("_mp.staged_") for name in seen] == [True]


async def test_a_large_load_that_is_refused_leaves_nothing(store: Store) -> None:
    await store.writer().save("kept", "SELECT 1 AS a")
    writer = store.writer()
    async with writer.spool() as folder:
        with pytest.raises(TableExistsError):
            await writer.load_events("kept", [export(folder, 0, 5)], days=(JAN_1, JAN_1))
    assert await staged(store) == []


async def test_a_large_load_that_is_stopped_in_the_queue_leaves_nothing(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold(_: Cursor) -> None:
        inside.set()
        assert go_on.wait(timeout=20)

    blocking = asyncio.create_task(store.shared.queue.submit(hold))
    await until(inside.is_set)
    writer = store.writer()
    async with writer.spool() as folder:
        call = asyncio.create_task(
            writer.load_events("events", [export(folder, 0, 5)], days=(JAN_1, JAN_1))
        )
        await until(lambda: store.shared.queue.waiting == 1)
        call.cancel()
        with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
            await call
    go_on.set()
    await blocking
    assert await staged(store) == []
    assert await store.reader().tables() == []


async def test_what_a_crash_left_is_dropped_when_the_file_is_opened(store: Store) -> None:
    writer = store.writer()
    async with writer.spool() as folder:
        await writer.load_events("events", [export(folder, 0, 5)], days=None)
    await released(store)
    with duckdb.connect(store.database.path) as connection:
        connection.execute("CREATE TABLE _mp.staged_7 AS SELECT 1 AS a")
    assert await staged(store) == []
    assert await count(store) == 5


async def test_a_copy_of_the_file_has_none_of_the_rows_that_wait(
    store: Store, tmp_path: Path
) -> None:
    writer = store.writer()
    async with writer.spool() as folder:
        await writer.load_events("events", [export(folder, 0, 5)], days=None)

    def leave(cursor: Cursor) -> None:
        cursor.execute("CREATE TABLE _mp.staged_7 AS SELECT 1 AS a")

    await store.shared.queue.submit(leave)
    copied = await store.reader().snapshot()
    with duckdb.connect(copied.path, read_only=True) as connection:
        sql = "SELECT count(*) FROM duckdb_tables() WHERE starts_with(table_name, 'staged_')"
        assert connection.execute(sql).fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(5,)]
    assert await staged(store) == ["staged_7"]


async def test_only_one_large_load_runs_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, at_once, most = load.stage_events, [], []

    def counting(cursor: Cursor, **how: Any) -> load.Staged:
        at_once.append(cursor)
        most.append(len(at_once))
        try:
            return real(cursor, **how)
        finally:
            at_once.remove(cursor)

    monkeypatch.setattr(load, "stage_events", counting)
    writer = store.writer()
    async with writer.spool() as folder:
        await asyncio.gather(
            *(
                writer.load_events("events", [export(folder, part * 10, 10)], days=None)
                for part in range(4)
            )
        )
    assert most == [1, 1, 1, 1]
    assert await count(store) == 40


def test_gzip_counts_as_it_is_and_plain_text_by_what_gzip_would_make_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"{" * 400)
    packed.write_bytes(b"\x1f\x8b" + b"x" * 98)
    monkeypatch.setattr(large, "LARGE_BYTES", 99)
    assert [are_large([plain]), are_large([packed]), are_large([plain, packed])] == [
        False,
        True,
        True,
    ]
