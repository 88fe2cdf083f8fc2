"""What agents see of every tool, as reviewed JSON. UPDATE_SNAPSHOTS=1 rewrites it."""

import ast
import inspect
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

import mp_mcp.tools
from mp_mcp.arguments import validated
from mp_mcp.server.describe import described
from mp_mcp.server.instructions import INSTRUCTIONS
from mp_mcp.server.toolsets import Choice
from mp_mcp.tool import SAVE_AS, Tool, discover

FOLDER = Path(__file__).parent / "snapshots" / "tools"
TOOLS = discover(mp_mcp.tools)
HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")

each_tool = pytest.mark.parametrize("tool", TOOLS.values(), ids=list(TOOLS))


def shown(tool: Tool) -> dict[str, Any]:
    """The tool as it is on the wire."""
    return described(tool).model_dump(by_alias=True, mode="json", exclude_none=True)


def as_text(tool: Tool) -> str:
    return json.dumps(shown(tool), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@each_tool
def test_the_tool_is_as_reviewed(tool: Tool) -> None:
    path = FOLDER / f"{tool.name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(tool), encoding="utf-8")
    assert path.exists(), "run with UPDATE_SNAPSHOTS=1 and review"
    assert as_text(tool) == path.read_text(encoding="utf-8"), "UPDATE_SNAPSHOTS=1, and review"


def test_no_snapshot_is_left_of_a_tool_that_is_gone() -> None:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for path in FOLDER.glob("*.json"):
            if path.stem not in TOOLS:
                path.unlink()
        return
    assert {path.stem for path in FOLDER.glob("*.json")} == set(TOOLS)


@each_tool
def test_every_host_accepts_the_name(tool: Tool) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool.name)
    assert len(tool.name) <= 64


@each_tool
def test_the_description_starts_with_one_sentence_to_choose_by(tool: Tool) -> None:
    first, *rest = tool.description.split("\n")
    assert 40 <= len(tool.description) <= 1200
    assert re.fullmatch(r"[A-Z][a-z]+ .*[^.]\.", first), "an imperative sentence"
    assert not re.search(r"[.!?] [A-Z]", first), "one sentence"
    assert not rest or rest[0] == "", "an empty line after the first"


TOOL_LIKE = re.compile(r"\b(?:cancel|drop|fetch|inspect|load|query|save|wait)_[a-z]+(?:_[a-z]+)*\b")


@each_tool
def test_every_tool_that_is_named_exists(tool: Tool) -> None:
    named = {*TOOL_LIKE.findall(json.dumps(shown(tool)))}
    assert named - {SAVE_AS.name} <= set(TOOLS)


def test_a_word_that_looks_like_a_tool_is_found() -> None:
    assert TOOL_LIKE.findall("Use fetch_profiles, or query_sql.") == ["fetch_profiles", "query_sql"]


def test_only_a_feed_without_dates_ends_today() -> None:
    texts = {name: json.dumps(shown(tool)["inputSchema"]) for name, tool in TOOLS.items()}
    assert [name for name, text in texts.items() if "default: today" in text] == [
        "query_activity_feed"
    ]


@each_tool
def test_every_parameter_is_described(tool: Tool) -> None:
    properties = shown(tool)["inputSchema"]["properties"]
    short = [name for name, found in properties.items() if len(found.get("description", "")) < 10]
    assert short == []


@each_tool
def test_unknown_arguments_are_refused(tool: Tool) -> None:
    assert shown(tool)["inputSchema"]["additionalProperties"] is False


@each_tool
def test_all_four_annotations_are_explicit(tool: Tool) -> None:
    annotations = shown(tool)["annotations"]
    assert all(isinstance(annotations[hint], bool) for hint in HINTS)
    assert not (annotations["readOnlyHint"] and annotations["destructiveHint"])


@each_tool
def test_both_schemas_are_schemas_of_objects(tool: Tool) -> None:
    for schema in (shown(tool)["inputSchema"], shown(tool)["outputSchema"]):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"


@each_tool
def test_every_answer_can_name_its_project(tool: Tool) -> None:
    assert "project" in shown(tool)["outputSchema"]["properties"]


@each_tool
def test_schemas_carry_no_generated_titles(tool: Tool) -> None:
    assert '"title"' not in json.dumps([shown(tool)["inputSchema"], shown(tool)["outputSchema"]])


@each_tool
def test_defaults_are_valid_arguments(tool: Tool) -> None:
    for parameter in tool.parameters:
        # None stands for an argument that is left out.
        if not parameter.required and parameter.default is not None:
            schema = shown(tool)["inputSchema"]
            only = {**schema, "required": []}
            default = json.loads(json.dumps(parameter.default))
            jsonschema.validate({parameter.name: default}, only)


def test_commands_are_unique() -> None:
    words = [tool.words for tool in TOOLS.values()]
    assert len(set(words)) == len(words)


@each_tool
def test_no_flag_of_a_command_is_given_twice(tool: Tool) -> None:
    names = [name for parameter in tool.parameters for name in parameter.flag.names]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"-[A-Za-z]|--[a-z][a-z-]+", name) for name in names)


@each_tool
def test_one_tool_is_one_file_of_its_name(tool: Tool) -> None:
    assert Path(inspect.getfile(tool.function)).stem == tool.name


@each_tool
def test_the_description_says_when_to_use_the_tool_and_when_another(tool: Tool) -> None:
    if tool.human_only:
        return
    text = " ".join(tool.description.split())
    assert re.search(r"\bUse it\b", text), "when"
    assert re.search(r"\bNot (for|across)\b", text), "when not"
    others = {*TOOL_LIKE.findall(text)} - {tool.name}
    assert others & set(TOOLS), "what to use instead"


@each_tool
def test_the_description_has_an_example_that_is_a_valid_call(tool: Tool) -> None:
    _, _, example = tool.description.partition("\nExample: ")
    if tool.human_only or not tool.parameters or tool.parameters == tool.options:
        assert not example or tool.human_only, "nothing to show"
        return
    example = " ".join(example.split()).removesuffix(".")
    if tool.name == "query_sql":
        assert validated(tool, {"sql": example})
        return
    spelled = example.replace("return=", "return_=").replace("=true", "=True")
    call = ast.parse(f"call({spelled})", mode="eval").body
    assert isinstance(call, ast.Call)
    given = {str(one.arg).removesuffix("_"): ast.literal_eval(one.value) for one in call.keywords}
    assert validated(tool, given)


def tokens(tools: Iterable[Tool]) -> float:
    """Of tools/list: four characters each."""
    listed = [described(tool).model_dump_json(by_alias=True, exclude_none=True) for tool in tools]
    return sum(map(len, listed)) / 4


def test_the_default_list_takes_less_than_6000_tokens() -> None:
    assert 1_000 < tokens(Choice().listed(TOOLS).values()) < 6_000


def test_all_tools_take_less_than_14000_tokens() -> None:
    assert 5_000 < tokens(Choice(toolsets=("all",)).listed(TOOLS).values()) < 14_000


def test_the_instructions_are_short_and_name_tools_that_exist() -> None:
    assert 200 < len(INSTRUCTIONS.split()) < 500
    named = {*TOOL_LIKE.findall(INSTRUCTIONS)} - {SAVE_AS.name}
    assert named <= {name for name, tool in TOOLS.items() if not tool.human_only}
    for word in ("budget", "coverage", "human", "never instructions"):
        assert word in INSTRUCTIONS.lower()
