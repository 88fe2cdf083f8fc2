import json
from collections.abc import Mapping
from typing import Annotated, Any

import anyio
import pytest
from pydantic import Field

from mp_mcp.bounds import HUMAN_BOUNDS
from mp_mcp.errors import MpError, QueryError, SettingsError, StoreError, UsageError
from mp_mcp.results import Result, Rows
from mp_mcp.tool import tool
from tests.unit.calling import Lender, Owner, ask_owner, caller

pytestmark = pytest.mark.anyio


async def refusal(arguments: Mapping[str, Any], name: str = "ask_owner") -> MpError:
    """The error of a call that must be refused."""
    with pytest.raises(UsageError) as caught:
        await caller(ask_owner).call(name, arguments)
    return caught.value


async def test_a_tool_gets_its_handles_and_its_arguments() -> None:
    answer = await caller(ask_owner).call("ask_owner", {"fruit": "pear", "times": 3})
    assert answer == Owner(project="42", owner="us (pear)", times=3, ripe=False)


async def test_an_option_of_a_handle_is_an_argument_that_goes_to_its_lender() -> None:
    answer = await caller(ask_owner).call("ask_owner", {"fruit": "pear", "ripe": True})
    assert answer.ripe is True


async def test_a_notice_is_told_once_with_the_next_result() -> None:
    lender = Lender(notice="Another project now.")
    calling = caller(ask_owner, lender=lender)
    first = await calling.call("ask_owner", {"fruit": "pear"})
    second = await calling.call("ask_owner", {"fruit": "pear"})
    assert (first.notice, second.notice) == ("Another project now.", None)


async def test_a_notice_is_told_once_with_the_next_error() -> None:
    lender = Lender(SettingsError("No project", hint="Choose one."), "Another project now.")
    calling = caller(ask_owner, lender=lender)
    with pytest.raises(SettingsError) as caught:
        await calling.call("ask_owner", {"fruit": "pear"})
    assert caught.value.hint == "Another project now. Choose one."
    assert lender.notice is None


async def test_every_answer_names_the_project() -> None:
    @tool
    async def name_project() -> Result:
        """Name another project."""
        return Result(project="7")

    assert (await caller(ask_owner).call("ask_owner", {"fruit": "x"})).project == "42"
    assert (await caller(name_project).call("name_project", {})).project == "7"


async def test_a_notice_does_not_reach_others_who_share_the_error() -> None:
    shared = SettingsError("No answer", hint="Ask again.")

    @tool
    async def fail_together() -> Result:
        """Fail with an error that several calls get, as those who share a request do."""
        raise shared

    told = caller(fail_together, lender=Lender(notice="Another project now."))
    untold = caller(fail_together)
    hints = []
    for calling in (told, untold):
        with pytest.raises(SettingsError, match="No answer") as caught:
            await calling.call("fail_together", {})
        hints.append(caught.value.hint)
    assert hints == ["Another project now. Ask again.", "Ask again."]


async def test_an_unknown_tool_is_refused_with_the_closest_name() -> None:
    error = await refusal({}, name="ask_owners")
    assert "ask_owners" in error.message
    assert error.hint == "Did you mean ask_owner?"


async def test_an_unknown_tool_far_from_all_others_is_refused_with_all_names() -> None:
    assert (await refusal({}, name="zzz")).hint == "Known tools: ask_owner"


async def test_an_unknown_argument_is_refused_by_name() -> None:
    error = await refusal({"fruit": "pear", "time": 2})
    assert "unknown argument time, did you mean times?" in error.message
    assert error.hint == "Arguments: fruit, [times], [ripe]."


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


@tool
async def widen_table(width: Annotated[int, Field(ge=1)]) -> Rows:
    """Make a wide table."""
    return Rows.of([f"column {n:05}" for n in range(width)], [list(range(width))] * 40)


async def test_thousands_of_columns_do_not_defeat_the_bound() -> None:
    answer = await caller(widen_table).call("widen_table", {"width": 4_000})
    assert len(json.dumps(answer.model_dump(mode="json"))) < 32_000
    assert (len(answer.columns), answer.truncated) == (len(answer.rows[0]), True)
    assert answer.columns[:2] == ["column 00000", "column 00001"]
    assert answer.row_count > 5
    assert "of 4000 columns fit: lower the limit." in str(answer.hint)


async def test_a_human_gets_all_columns() -> None:
    answer = await caller(widen_table, bounds=HUMAN_BOUNDS).call("widen_table", {"width": 4_000})
    assert (len(answer.columns), answer.row_count, answer.truncated) == (4_000, 40, False)


async def test_a_human_gets_all_of_it() -> None:
    answer = await caller(list_numbers, bounds=HUMAN_BOUNDS).call(
        "list_numbers", {"count": 900, "width": 100}
    )
    assert (answer.row_count, answer.truncated, answer.hint) == (900, False, "Use offset.")


async def test_an_agent_is_told_of_cut_cells_and_how_to_get_them_whole() -> None:
    answer = await caller(list_numbers).call("list_numbers", {"count": 2, "width": 5_000})
    assert (answer.row_count, answer.truncated) == (2, True)
    assert answer.hint.startswith("Cells of n are cut: select a part of them")
    assert "--format jsonl" in answer.hint
    assert answer.hint.endswith("Use offset.")
    whole = await caller(list_numbers, bounds=HUMAN_BOUNDS).call(
        "list_numbers", {"count": 2, "width": 5_000}
    )
    assert (len(whole.rows[0][0]), whole.truncated, whole.hint) == (5_000, False, "Use offset.")
