from collections.abc import Mapping
from typing import Annotated, Any

import anyio
import pytest
from pydantic import Field

from mp_mcp import call as call_module
from mp_mcp.call import AGENT_BOUNDS, HUMAN_BOUNDS, Bounds, LocalCaller, find, validated
from mp_mcp.errors import MpError, QueryError, SettingsError, StoreError, UsageError
from mp_mcp.progress import Progress, Report, no_report
from mp_mcp.results import Result, Rows
from mp_mcp.tool import Handle, Tool, tool

pytestmark = pytest.mark.anyio


class Basket(Handle):
    """A handle that knows its owner."""

    def __init__(self, owner: str) -> None:
        self.owner = owner


class Lender:
    """Lends baskets, unless it is told to refuse."""

    project: str | None = "42"

    def __init__(self, refusal: MpError | None = None) -> None:
        self._refusal = refusal

    async def lend(self, handle: type[Handle]) -> Handle:
        """A basket of ours."""
        assert handle is Basket
        if self._refusal is not None:
            raise self._refusal
        return Basket("us")


class Owner(Result):
    """Whose basket it is, and how often that was asked."""

    owner: str
    times: int


@tool
async def ask_owner(
    basket: Basket,
    fruit: Annotated[str, Field(min_length=1)],
    *,
    times: Annotated[int, Field(ge=1, le=9)] = 1,
) -> Owner:
    """Say whose basket it is."""
    return Owner(owner=f"{basket.owner} ({fruit})", times=times)


def tools(*functions: Any) -> dict[str, Tool]:
    return {function.__mp_tool__.name: function.__mp_tool__ for function in functions}


def caller(*functions: Any, lender: Lender | None = None, bounds: Bounds = AGENT_BOUNDS) -> Any:
    return LocalCaller(tools(*functions), lender or Lender(), bounds)


async def refusal(arguments: Mapping[str, Any], name: str = "ask_owner") -> MpError:
    """The error of a call that must be refused."""
    with pytest.raises(UsageError) as caught:
        await caller(ask_owner).call(name, arguments)
    return caught.value


async def test_a_tool_gets_its_handles_and_its_arguments() -> None:
    answer = await caller(ask_owner).call("ask_owner", {"fruit": "pear", "times": 3})
    assert answer == Owner(project="42", owner="us (pear)", times=3)


async def test_every_answer_names_the_project() -> None:
    @tool
    async def name_project() -> Result:
        """Name another project."""
        return Result(project="7")

    assert (await caller(ask_owner).call("ask_owner", {"fruit": "x"})).project == "42"
    assert (await caller(name_project).call("name_project", {})).project == "7"


async def test_an_unknown_tool_is_refused_with_the_closest_name() -> None:
    error = await refusal({}, name="ask_owners")
    assert "ask_owners" in error.message
    assert error.hint == "Did you mean ask_owner?"


async def test_an_unknown_tool_far_from_all_others_is_refused_with_all_names() -> None:
    assert (await refusal({}, name="zzz")).hint == "Known tools: ask_owner"


async def test_an_unknown_argument_is_refused_by_name() -> None:
    error = await refusal({"fruit": "pear", "time": 2})
    assert "unknown argument time, did you mean times?" in error.message
    assert error.hint == "Arguments: fruit, [times]."


async def test_every_wrong_argument_is_named() -> None:
    error = await refusal({"times": 10, "colour": "red"})
    assert "fruit is required" in error.message
    assert "times: Input should be less than or equal to 9" in error.message
    assert "unknown argument colour" in error.message


async def test_a_refused_call_says_nothing_of_the_library_that_refused_it() -> None:
    error = await refusal({"fruit": ""})
    assert "pydantic" not in f"{error.message} {error.hint}"
    assert "http" not in f"{error.message} {error.hint}"


async def test_a_handle_cannot_be_passed_from_outside() -> None:
    assert "unknown argument basket" in (await refusal({"fruit": "x", "basket": "b"})).message


async def test_a_malformed_call_borrows_nothing() -> None:
    lender = Lender(AssertionError("lent"))  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        await caller(ask_owner, lender=lender).call("ask_owner", {})


async def test_a_handle_that_is_not_lent_ends_the_call() -> None:
    with pytest.raises(SettingsError, match="No project"):
        await caller(ask_owner, lender=Lender(SettingsError("No project"))).call(
            "ask_owner", {"fruit": "x"}
        )


async def test_an_error_of_a_tool_leaves_as_itself_and_keeps_its_cause() -> None:
    cause = ValueError("of the library")

    @tool
    async def fail_plainly() -> Result:
        """Fail."""
        raise QueryError("wrong") from cause

    with pytest.raises(QueryError) as caught:
        await caller(fail_plainly).call("fail_plainly", {})
    assert caught.value.__cause__ is cause


async def test_one_failing_branch_of_a_tool_leaves_as_its_error_not_as_a_group() -> None:
    @tool
    async def fail_apart() -> Result:
        """Fail in one of many tasks, with a bug beside it."""

        async def fail(error: Exception) -> None:
            raise error

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail, KeyError("a bug"))
            tasks.start_soon(fail, StoreError("the reason"))
        return Result()

    with pytest.raises(StoreError, match="the reason"):
        await caller(fail_apart).call("fail_apart", {})


async def test_a_bug_leaves_as_itself() -> None:
    @tool
    async def fail_badly() -> Result:
        """Have a bug."""
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        await caller(fail_badly).call("fail_badly", {})


async def test_cancelling_a_call_cancels_its_tool() -> None:
    started, ended = anyio.Event(), anyio.Event()

    @tool
    async def run_forever() -> Result:
        """Run until cancelled."""
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()
        return Result()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller(run_forever).call, "run_forever", {})
            await started.wait()
            tasks.cancel_scope.cancel()
    assert ended.is_set()


@tool
async def list_numbers(count: Annotated[int, Field(ge=0)], width: int = 1) -> Rows:
    """List some numbers."""
    rows = [["x" * width] for _ in range(count)]
    return Rows(columns=["n"], rows=rows, row_count=count, hint="Use offset.")


async def test_an_agent_gets_at_most_a_thousand_rows_and_is_told() -> None:
    answer = await caller(list_numbers).call("list_numbers", {"count": 1_500})
    assert (len(answer.rows), answer.row_count, answer.truncated) == (1_000, 1_000, True)
    assert answer.hint == "Only the first 1000 of 1500 rows fit. Use offset."


async def test_an_agent_gets_at_most_some_thirty_kilobytes() -> None:
    answer = await caller(list_numbers).call("list_numbers", {"count": 900, "width": 100})
    assert 200 < answer.row_count < 300
    assert answer.truncated


async def test_a_human_gets_all_of_it() -> None:
    answer = await caller(list_numbers, bounds=HUMAN_BOUNDS).call(
        "list_numbers", {"count": 900, "width": 100}
    )
    assert (answer.row_count, answer.truncated, answer.hint) == (900, False, "Use offset.")


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
    answer = await caller(ask_owner).call("ask_owner", {"fruit": "x"}, no_report)
    assert answer.owner == "us (x)"


def test_arguments_arrive_as_the_tools_types() -> None:
    found = tools(ask_owner)["ask_owner"]
    assert validated(found, {"fruit": "pear", "times": "3"}) == {"fruit": "pear", "times": 3}
    assert find({"ask_owner": found}, "ask_owner") is found
