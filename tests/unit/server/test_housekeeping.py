"""Housekeeping goes on, whatever happens to it."""

import logging
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from mp_mcp.server import housekeeping

pytestmark = pytest.mark.anyio


class Files:
    """Workspaces whose housekeeping fails each time, until it has been tried often enough."""

    def __init__(self, times: int) -> None:
        self.history = SimpleNamespace(latest=0)
        self.open_files = 0
        self.enough = anyio.Event()
        self._left = times

    async def sweep(self) -> None:
        self._left -= 1
        self.history.latest += 1
        if not self._left:
            self.enough.set()
        raise RuntimeError("can't start new thread")

    tidy = sweep


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(housekeeping, "LOOK_FOR_QUIET_S", 0)
    monkeypatch.setattr(housekeeping, "SWEEP_EVERY_S", 0)


async def test_a_sweep_that_fails_is_tried_again() -> None:
    files: Any = Files(3)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(housekeeping.sweep_now_and_then, files)
        with anyio.fail_after(10):
            await files.enough.wait()
        tasks.cancel_scope.cancel()


async def test_tidying_that_fails_does_not_end_the_server() -> None:
    files: Any = Files(3)
    door: Any = SimpleNamespace(is_busy=False, jobs=SimpleNamespace(running=lambda: iter(())))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(housekeeping.tidy_in_quiet_moments, door, files)
        with anyio.fail_after(10):
            await files.enough.wait()
        tasks.cancel_scope.cancel()


async def test_nothing_is_tidied_while_a_call_runs() -> None:
    looked = anyio.Event()
    files: Any = Files(1)

    def running() -> Any:
        looked.set()
        return iter(("a job",))

    door: Any = SimpleNamespace(is_busy=False, jobs=SimpleNamespace(running=running))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(housekeeping.tidy_in_quiet_moments, door, files)
        for _ in range(3):
            looked = anyio.Event()
            with anyio.fail_after(10):
                await looked.wait()
        tasks.cancel_scope.cancel()
    assert not files.enough.is_set()
