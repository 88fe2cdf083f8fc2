"""What is said of calls that are wrong in many ways at once, or of unusual size."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from mp_mcp.arguments import MOST_ARGUMENTS, MOST_ITEMS, find, validated
from mp_mcp.error_codes import error_of
from mp_mcp.errors import MpError, UsageError
from mp_mcp.results import Result
from mp_mcp.tool import Tool, tool
from mp_mcp.wording import LONGEST_NAME, LONGEST_TEXT, closest, shortened

Fruits = Annotated[list[int], Field(description="any numbers")]


def tools() -> dict[str, Tool]:
    @tool
    async def count_fruit(fruit: Fruits, *, twice: bool = False) -> Result:
        """Count fruit."""
        return Result()

    found: Tool = vars(count_fruit)["__mp_tool__"]
    return {found.name: found}


def refusal(**arguments: Any) -> MpError:
    with pytest.raises(UsageError) as caught:
        validated(tools()["count_fruit"], arguments)
    return caught.value


def test_the_first_problems_are_named_and_the_others_counted() -> None:
    message = refusal(fruit=["a"] * 40).message
    assert "fruit.9: " in message
    assert "fruit.10: " not in message
    assert message.endswith("; and 30 more.")


def test_too_many_arguments_are_refused_by_their_number() -> None:
    many = {f"a{number}": 1 for number in range(MOST_ARGUMENTS + 1)}
    found = refusal(**many)
    assert found.message == "count_fruit: 101 arguments are too many."
    assert found.hint == "Arguments: fruit, [twice]."


def test_too_many_items_are_refused_by_the_name_of_the_argument() -> None:
    assert validated(tools()["count_fruit"], {"fruit": [1] * MOST_ITEMS})["twice"] is False
    assert "fruit has 10,001 items" in refusal(fruit=[1] * (MOST_ITEMS + 1)).message


def test_a_name_that_nobody_mistypes_is_compared_with_nothing() -> None:
    known = ["x" * LONGEST_NAME]
    assert closest("x" * LONGEST_NAME, known) == known
    assert closest("x" * (LONGEST_NAME + 1), known) == []


def test_an_error_does_not_repeat_megabytes() -> None:
    with pytest.raises(UsageError) as caught:
        find(tools(), "x" * 1_000_000)
    told = caught.value.info().as_dict()
    assert len(told["message"]) < LONGEST_TEXT + 100
    assert told["message"].endswith("… [cut: 1,000,020 characters]")
    assert str(caught.value) == told["message"]


def test_a_hint_is_cut_as_well_and_a_text_that_fits_stays() -> None:
    assert len(UsageError("x", hint="y" * 1_000_000).hint or "") < LONGEST_TEXT + 100
    assert shortened("z" * LONGEST_TEXT) == "z" * LONGEST_TEXT


def test_a_hint_of_another_type_is_no_failure() -> None:
    assert error_of({"code": "usage", "message": "x", "hint": 5}).hint == "5"
