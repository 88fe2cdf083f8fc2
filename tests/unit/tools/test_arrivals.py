"""Arrivals: which files one load takes, and when those who load may stop waiting."""

from datetime import date, datetime, timedelta
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.tools.storage.arrivals import LOAD_BYTES, Arrivals

pytestmark = pytest.mark.anyio

FIRST = date(2025, 1, 1)


def exported(day: int, *, days: int = 1, size: int = 100) -> ExportedFile:
    """The file of so many days, counted from the first of the year."""
    first = FIRST + timedelta(day)
    window = Window(first, first + timedelta(days - 1))
    return ExportedFile(Path(f"{day}.gz"), size, window, datetime(2025, 2, 1))


async def batch(arrivals: Arrivals) -> list[int]:
    """The first days of the files of the next load."""
    with anyio.fail_after(5):
        return [(file.window.first - FIRST).days for file in await arrivals.next_batch()]


async def test_neighbours_are_loaded_together_in_the_order_of_their_days() -> None:
    arrivals = Arrivals(downloaders=1, loaders=1)
    for file in (exported(3), exported(0, days=2), exported(2)):
        arrivals.add(file)
    assert await batch(arrivals) == [0, 2, 3]


async def test_a_load_never_reaches_over_a_gap() -> None:
    arrivals = Arrivals(downloaders=1, loaders=1)
    for day in (0, 1, 3):
        arrivals.add(exported(day))
    assert await batch(arrivals) == [0, 1]
    assert await batch(arrivals) == [3]


async def test_a_load_is_not_larger_than_it_should_be_but_for_one_large_file() -> None:
    arrivals = Arrivals(downloaders=1, loaders=1)
    for day, size in enumerate((LOAD_BYTES * 2, LOAD_BYTES // 2, LOAD_BYTES // 2, 1)):
        arrivals.add(exported(day, size=size))
    assert await batch(arrivals) == [0]
    assert await batch(arrivals) == [1, 2]
    assert await batch(arrivals) == [3]


async def test_every_loader_gets_its_share_of_the_last_files() -> None:
    arrivals = Arrivals(downloaders=0, loaders=2)
    for day in range(4):
        arrivals.add(exported(day))
    assert [await batch(arrivals), await batch(arrivals)] == [[0, 1], [2]]


async def test_loaders_wait_for_files_and_leave_when_the_last_downloader_is_done() -> None:
    arrivals = Arrivals(downloaders=2, loaders=2)
    loaded: list[list[int]] = []

    async def load() -> None:
        while found := await batch(arrivals):
            loaded.append(found)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(load)
        tasks.start_soon(load)
        await anyio.lowlevel.checkpoint()
        arrivals.downloader_is_done()
        arrivals.add(exported(0))
        await anyio.lowlevel.checkpoint()
        arrivals.downloader_is_done()
    assert loaded == [[0]]
    assert await batch(arrivals) == []


async def test_files_that_wait_are_handed_out_after_the_last_download() -> None:
    arrivals = Arrivals(downloaders=1, loaders=1)
    arrivals.add(exported(0))
    arrivals.downloader_is_done()
    assert [await batch(arrivals), await batch(arrivals)] == [[0], []]
