"""A store on a fresh file. Never shares a file between tests."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from mp_mcp.store.database import Database
from mp_mcp.store.open_store import Files, Store
from mp_mcp.store.write_queue import WriteQueue


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    files = Files()
    yield files
    await files.close()


@pytest.fixture
def store(files: Files, tmp_path: Path) -> Store:
    return files.store(tmp_path / "data" / "7.db", spool=tmp_path / "spool")


@pytest.fixture
def database(store: Store) -> Database:
    return store.database


@pytest.fixture
async def queue(database: Database) -> AsyncIterator[WriteQueue]:
    queue = WriteQueue(database, max_waiting=3)
    yield queue
    await queue.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a worker thread brings about."""
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - threads set no anyio.Event
            await anyio.sleep(0.002)
