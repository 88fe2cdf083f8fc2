"""Progress while a call runs: it only grows, and a silent tool is reported as alive."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mp_mcp import call as call_module
from mp_mcp.arguments import find, validated
from mp_mcp.progress import Progress, Report
from mp_mcp.results import Result
from mp_mcp.tool import tool
from tests.unit.calling import ask_owner, caller, tools

pytestmark = pytest.mark.anyio


class Heard:
    """A report that remembers, and can be waited for."""

    def __init__(self, enough: int) -> None:
        self.notes: list[tuple[float, float | None, str | None]] = []
        self.full = anyio.Event()
        self._enough = enough

    async def __call__(self, done: float, total: float | None, message: str | None) -> None:
        """Remember."""
        self.notes.append((done, total, message))
        if len(self.notes) >= self._enough:
            self.full.set()


async def call_with(report: Report, function: Any) -> None:
    with anyio.fail_after(5):
        await caller(function).call(function.__name__, {}, report)


async def test_progress_only_grows_even_where_the_tool_repeats_itself() -> None:
    @tool
    async def step_on(progress: Progress) -> Result:
        """Report the same step again and again, and one step back."""
        for done in (0, 1, 1, 0.5, 2):
            await progress(done, 2, f"step {done}")
        return Result()

    heard = Heard(5)
    await call_with(heard, step_on)
    steps = [done for done, _, _ in heard.notes]
    assert steps == sorted(set(steps))
    assert [message for _, _, message in heard.notes] == [
        f"step {done}" for done in (0, 1, 1, 0.5, 2)
    ]


async def test_a_silent_tool_is_reported_as_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_module, "HEARTBEAT_S", 0.001)
    heard = Heard(3)

    @tool
    async def think(progress: Progress) -> Result:
        """Say something once, then think until three notes were heard."""
        await progress(1, 4, "thinking")
        await heard.full.wait()
        return Result()

    await call_with(heard, think)
    assert all(total == 4 for _, total, _ in heard.notes)
    assert all("thinking" in str(message) for _, _, message in heard.notes)
    steps = [done for done, _, _ in heard.notes]
    assert steps == sorted(set(steps))


async def test_nobody_is_told_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_module, "HEARTBEAT_S", 0)
    nobody = Heard(1)
    monkeypatch.setattr(call_module, "no_report", nobody)

    @tool
    async def take_time() -> Result:
        """Give a heartbeat every chance."""
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        return Result()

    await call_with(nobody, take_time)
    assert nobody.notes == []


def test_arguments_arrive_as_the_tools_types() -> None:
    found = tools(ask_owner)["ask_owner"]
    wanted = {"fruit": "pear", "times": 3, "ripe": False}
    assert validated(found, {"fruit": "pear", "times": "3"}) == wanted
    assert find({"ask_owner": found}, "ask_owner") is found
