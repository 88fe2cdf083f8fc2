import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from mp_mcp.results import Result
from mp_mcp.tool import Flag, Handle, Parameter, Tool, discover, tool


class Reader(Handle):
    """Only reads."""


class Writer(Handle):
    """Changes the database."""

    writes = True


class Outside(Handle):
    """Asks Mixpanel."""

    asks_mixpanel = True


@tool
async def count_fruit(
    reader: Reader,
    kind: Annotated[str, Flag(argument="KIND"), Field(description="which")],
    *,
    at_most: Annotated[int, Field(ge=1)] = 10,
) -> Result:
    """Count the fruit of a kind."""
    return Result()


@tool(destructive=True, idempotent=False, command="throw away", human_only=True)
async def drop_fruit(writer: Writer, outside: Outside) -> Result:
    """Throw all fruit away."""
    return Result()


def tool_of(function: object) -> Tool:
    found: Tool = function.__mp_tool__  # type: ignore[attr-defined]
    return found


COUNT = tool_of(count_fruit)
DROP = tool_of(drop_fruit)


def test_a_marked_function_stays_the_plain_function() -> None:
    assert COUNT.function is count_fruit
    assert COUNT.name == "count_fruit"
    assert COUNT.description == "Count the fruit of a kind."


def test_the_words_of_the_command_come_from_the_name() -> None:
    assert COUNT.words == ("count", "fruit")
    assert tool_of(tool(_named("inspect_top_events"))).words == ("inspect", "top-events")


def test_a_command_overrides_the_words() -> None:
    assert DROP.words == ("throw", "away")


def test_handles_are_hidden_from_callers() -> None:
    assert COUNT.handles == {"reader": Reader}
    assert [parameter.name for parameter in COUNT.parameters] == ["kind", "at_most"]
    assert set(COUNT.arguments_model.model_json_schema()["properties"]) == {"kind", "at_most"}


def test_a_handle_may_not_be_passed_as_an_argument() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        COUNT.arguments_model.model_validate({"kind": "pear", "reader": "mine"})


def test_unknown_arguments_are_refused_by_the_schema_too() -> None:
    assert COUNT.arguments_model.model_json_schema()["additionalProperties"] is False


def test_what_a_tool_may_do_follows_from_its_handles() -> None:
    assert (COUNT.writes, COUNT.asks_mixpanel) == (False, False)
    assert (DROP.writes, DROP.asks_mixpanel) == (True, True)


def test_marks_are_kept() -> None:
    assert (COUNT.destructive, COUNT.idempotent, COUNT.human_only) == (False, True, False)
    assert (DROP.destructive, DROP.idempotent, DROP.human_only) == (True, False, True)


def test_a_parameter_without_default_is_required() -> None:
    kind, at_most = COUNT.parameters
    assert kind.required
    assert not at_most.required
    assert at_most.default == 10


def test_a_flag_is_spelled_as_given_or_as_the_name() -> None:
    kind, at_most = COUNT.parameters
    assert kind.flag == Flag(argument="KIND")
    assert at_most.flag.names == ("--at-most",)
    assert Parameter("from_date", str, "").flag.names == ("--from-date",)


def test_the_answer_type_is_the_return_annotation() -> None:
    assert COUNT.result_model is Result


def _named(name: str):  # type: ignore[no-untyped-def]
    async def function() -> Result:
        return Result()

    function.__name__ = name
    return function


TOOL_FILE = """
from mp_mcp.results import Result
from mp_mcp.tool import tool
{more}

@tool
async def {name}() -> Result:
    "Do {name}."
    return Result()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `orchard` that can be imported."""
    folder = tmp_path / "orchard"
    (folder / "deeper").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "deeper" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "orchard"]:
        del sys.modules[name]


def _orchard() -> ModuleType:
    import orchard  # type: ignore[import-not-found]

    found: ModuleType = orchard
    return found


def test_tools_are_found_in_all_modules_in_alphabetical_order(package: Path) -> None:
    (package / "a.py").write_text(TOOL_FILE.format(name="pick_pear", more=""))
    (package / "deeper" / "z.py").write_text(TOOL_FILE.format(name="count_pears", more=""))
    assert list(discover(_orchard())) == ["count_pears", "pick_pear"]


def test_an_imported_tool_is_found_once(package: Path) -> None:
    (package / "a.py").write_text(TOOL_FILE.format(name="pick_pear", more=""))
    again = "from orchard.a import pick_pear"
    (package / "b.py").write_text(TOOL_FILE.format(name="count_pears", more=again))
    assert list(discover(_orchard())) == ["count_pears", "pick_pear"]


def test_two_tools_of_one_name_are_refused(package: Path) -> None:
    for name in ("a", "b"):
        (package / f"{name}.py").write_text(TOOL_FILE.format(name="pick_pear", more=""))
    with pytest.raises(ValueError, match="pick_pear"):
        discover(_orchard())


def test_a_module_that_cannot_be_imported_is_not_passed_over(package: Path) -> None:
    (package / "deeper" / "broken.py").write_text("import no_such_thing_anywhere")
    with pytest.raises(ImportError, match="no_such_thing_anywhere"):
        discover(_orchard())
