import asyncio
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from mp_mcp.errors import StoreError, UsageError
from mp_mcp.store import catalog, load
from mp_mcp.store.database import Cursor
from mp_mcp.store.models import LoadReport, TableInfo
from mp_mcp.store.open_store import Store
from mp_mcp.store.writes import Writer
from tests.unit.store.conftest import until
from tests.unit.store.loading import JAN_1, line

pytestmark = pytest.mark.anyio


def export(folder: Path, first: int, rows: int) -> Path:
    file = folder / f"{first}.jsonl"
    file.write_text("".join(line(number=n) + "\n" for n in range(first, first + rows)))
    return file


async def count(store: Store, table: str = "events") -> object:
    return (await store.reader().query(f"SELECT count(*) FROM {table}", limit=1)).rows[0][0]


async def test_a_load_can_be_queried(store: Store) -> None:
    writer = store.writer()
    async with writer.spool() as folder:
        report = await writer.load_events("events", [export(folder, 0, 5)], days=(JAN_1, JAN_1))
    assert report.rows == 5
    assert await count(store) == 5


async def test_loads_at_once_all_arrive(store: Store) -> None:
    writer = store.writer()
    async with writer.spool() as folder:
        await asyncio.gather(
            *(
                writer.load_events("events", [export(folder, part * 10, 10)], days=None)
                for part in range(6)
            )
        )
    assert await count(store) == 60


async def test_a_job_that_runs_again_loads_once(store: Store) -> None:
    for _ in range(2):
        writer = store.writer(job_id="job-1")
        async with writer.spool() as folder:
            report = await writer.load_events("events", [export(folder, 0, 5)], days=None)
        assert report.rows == 5
    assert await count(store) == 5


async def test_the_spool_folder_is_removed(store: Store, tmp_path: Path) -> None:
    async with store.writer().spool() as folder:
        export(folder, 0, 1)
        assert folder.parent == tmp_path / "spool"
    assert list((tmp_path / "spool").iterdir()) == []


async def test_write_access_is_kept_while_a_spool_is_in_use(store: Store) -> None:
    async with store.writer().spool():
        assert not await store.database.release()
    await until(lambda: store.database.is_idle)
    assert await store.database.release()


async def test_a_refused_load_leaves_nothing(store: Store) -> None:
    writer: Writer = store.writer()
    async with writer.spool() as folder:
        with pytest.raises(UsageError):
            await writer.load_events("no table name", [export(folder, 0, 1)], days=None)
    assert await store.reader().tables() == []


async def test_ready_opens_the_file_for_writing(store: Store) -> None:
    await store.writer().ready()
    assert store.database.status().state == "open"


async def test_a_closing_store_refuses_loads(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreError, match="closing"):
        await store.writer().ready()


async def test_a_load_that_is_being_swapped_in_ends_before_its_caller_leaves(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    real = load.swap_events

    def held(cursor: Cursor, staged: load.Staged, **how: Any) -> LoadReport:
        inside.set()
        assert go_on.wait(timeout=20)
        return real(cursor, staged, **how)

    monkeypatch.setattr(load, "swap_events", held)
    writer = store.writer()
    async with writer.spool() as folder:
        call = asyncio.create_task(
            writer.load_events("events", [export(folder, 0, 5)], days=(JAN_1, JAN_1))
        )
        await until(inside.is_set)
        call.cancel()
        await anyio.wait_all_tasks_blocked()
        assert not call.done()
        go_on.set()
        with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
            await call
    assert await count(store) == 5


async def test_staging_stops_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    started = threading.Event()

    def endless(cursor: Cursor, *_: object, **__: object) -> None:
        started.set()
        cursor.execute("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a <> b")

    monkeypatch.setattr(load, "stage_events", endless)
    call = asyncio.create_task(store.writer().load_events("events", [], days=None))
    await until(started.is_set)
    call.cancel()
    with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: store.database.is_idle)


async def test_a_committed_load_is_a_success_even_when_the_tables_cannot_be_listed(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(cursor: Cursor, **_: Any) -> list[TableInfo]:
        cursor.execute("SELECT 'x'::INTEGER")
        return []

    writer = store.writer()
    async with writer.spool() as folder:
        with monkeypatch.context() as patch:
            patch.setattr(catalog, "tables", fails)
            report = await writer.load_events("events", [export(folder, 0, 5)], days=None)
    assert report.rows == 5
    assert await count(store) == 5
    assert "not listed" in caplog.text
