import asyncio
from pathlib import Path

import pytest

from mp_mcp.store.open_store import Files
from tests.unit.store.conftest import until

pytestmark = pytest.mark.anyio


async def test_one_file_has_one_store_under_any_name(files: Files, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    first = files.store(tmp_path / "data" / "7.db", spool=tmp_path / "spool")
    again = files.store(tmp_path / "link" / "7.db", spool=tmp_path / "spool")
    assert again.shared is first.shared


async def test_only_a_few_files_are_open_and_the_oldest_idle_one_closes(
    files: Files, tmp_path: Path
) -> None:
    stores = [files.store(tmp_path / f"{n}.db", spool=tmp_path / f"{n}") for n in range(5)]
    for store in stores[:4]:
        await store.reader().tables()
    await stores[0].reader().tables()
    async with stores[2].database.session():
        await stores[4].reader().tables()
    assert [store.database.is_open for store in stores] == [True, False, True, True, True]
    assert await stores[1].reader().tables() == []


async def test_files_in_use_are_never_closed_for_another(files: Files, tmp_path: Path) -> None:
    few = Files(max_open=1)
    used = few.store(tmp_path / "1.db", spool=tmp_path / "1")
    async with used.database.session() as session:
        await few.store(tmp_path / "2.db", spool=tmp_path / "2").reader().tables()
        assert await session.run(lambda cursor: cursor.execute("SELECT 1").fetchall()) == [(1,)]
    await few.close()


async def test_many_files_at_once_open_without_deadlock(files: Files, tmp_path: Path) -> None:
    stores = [files.store(tmp_path / f"{n}.db", spool=tmp_path / f"{n}") for n in range(8)]
    answers = await asyncio.wait_for(
        asyncio.gather(*(store.reader().query("SELECT 1", limit=1) for store in stores * 3)), 30
    )
    assert [answer.rows for answer in answers] == [[[1]]] * 24
    await until(lambda: all(store.database.is_idle for store in stores))
    await stores[0].database.release()
    await stores[0].reader().tables()
    assert sum(store.database.is_open for store in stores) <= 4


async def test_status_never_opens(files: Files, tmp_path: Path) -> None:
    store = files.store(tmp_path / "7.db", spool=tmp_path / "spool")
    assert store.database.status().state == "absent"
    assert store.shared.queue.waiting == 0
    assert not (tmp_path / "7.db").exists()


async def test_closing_twice_is_fine(files: Files, tmp_path: Path) -> None:
    await files.store(tmp_path / "7.db", spool=tmp_path / "spool").reader().tables()
    await files.close()
    await files.close()


async def test_a_closed_store_makes_way_for_a_new_one(files: Files, tmp_path: Path) -> None:
    await files.store(tmp_path / "7.db", spool=tmp_path / "spool").close()
    assert await files.store(tmp_path / "7.db", spool=tmp_path / "spool").reader().tables() == []
