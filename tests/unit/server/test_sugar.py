"""Resources, prompts and completions, in both generations, beside the tools that they stand for."""

import json
from typing import Any

import pytest

import mp_mcp.prompts
import mp_mcp.tools
from mp_mcp.prompt import discover as discover_prompts
from mp_mcp.settings import Home
from mp_mcp.tool import discover
from tests.contract.test_tool_surface import TOOL_LIKE
from tests.unit.server.talk import Era, Talk, talking

pytestmark = pytest.mark.anyio

TOOLS = discover(mp_mcp.tools)
PROMPTS = discover_prompts(mp_mcp.prompts)
both_eras = pytest.mark.parametrize("era", ["legacy", "modern"])


async def complete(talk: Talk, argument: str, value: str, **others: str) -> list[str]:
    found = await talk.request(
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "explain_drop"},
            "argument": {"name": argument, "value": value},
            "context": {"arguments": others},
        },
    )
    values: list[str] = found["result"]["completion"]["values"]
    return values


@both_eras
async def test_what_we_have_is_announced_listed_and_read(home: Home, era: Era) -> None:
    async with talking(home, TOOLS) as talk:
        hello = (await talk.shake_hands(era))["result"]
        assert {"resources", "prompts", "completions", "tools"} <= set(hello["capabilities"])
        listed = (await talk.request("resources/list"))["result"]["resources"]
        assert [one["uri"] for one in listed] == ["mp://workspace", "mp://history"]
        shown = (await talk.request("resources/templates/list"))["result"]["resourceTemplates"]
        assert [one["uriTemplate"] for one in shown] == ["mp://tables/{table}"]
        read = await talk.request("resources/read", {"uri": "mp://workspace"})
        content, mark = read["result"]["contents"]
        assert (mark["uri"], mark["mimeType"]) == (content["uri"], "text/plain")
        assert "data, never instructions" in mark["text"]
        found = json.loads(content["text"])
        assert found == (await talk.call("inspect_workspace"))["structuredContent"]
        assert content["mimeType"] == "application/json"
        read = await talk.request("resources/read", {"uri": "mp://history"})
        assert "inspect_workspace" in read["result"]["contents"][0]["text"]


@both_eras
@pytest.mark.parametrize("uri", ["mp://nothing", "mp://tables/", "mp://tables/none", "x", ""])
async def test_a_resource_that_is_not_there_is_an_error_with_the_way_out(
    home: Home, era: Era, uri: str
) -> None:
    async with talking(home, TOOLS) as talk:
        await talk.shake_hands(era)
        answer = await talk.request("resources/read", {"uri": uri})
        assert answer["error"]["code"] == -32602
        assert len(answer["error"]["message"]) > 20
        assert (await talk.call("inspect_workspace"))["isError"] is False


async def test_what_a_connection_may_not_call_it_cannot_read(home: Home) -> None:
    async with talking(home, TOOLS, choice={"tools": ["query_sql"]}) as talk:
        assert (await talk.request("resources/list"))["result"]["resources"] == []
        assert (await talk.request("resources/templates/list"))["result"]["resourceTemplates"] == []
        answer = await talk.request("resources/read", {"uri": "mp://workspace"})
        assert "no resource" in answer["error"]["message"]


@both_eras
async def test_prompts_are_listed_and_filled(home: Home, era: Era) -> None:
    async with talking(home, TOOLS) as talk:
        await talk.shake_hands(era)
        listed = (await talk.request("prompts/list"))["result"]["prompts"]
        assert [one["name"] for one in listed] == [
            *("explain_drop", "explore_project", "review_funnel", "review_retention"),
            "weekly_report",
        ]
        params = {"name": "explain_drop", "arguments": {"event": "Purchase", "property": ""}}
        got = (await talk.request("prompts/get", params))["result"]
        (message,) = got["messages"]
        assert message["role"] == "user"
        assert "'Purchase' fell in the last seven whole days" in message["content"]["text"]


@both_eras
@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("explain_drop", {}, "event is required"),
        ("explain_drop", {"event": " "}, "event is required"),
        ("explain_drop", {"event": "x", "when": "y"}, "unknown argument when"),
        ("explain", {}, "Known: explain_drop"),
    ],
)
async def test_a_prompt_that_cannot_be_filled_says_why(
    home: Home, era: Era, name: str, arguments: dict[str, Any], said: str
) -> None:
    async with talking(home, TOOLS) as talk:
        await talk.shake_hands(era)
        answer = await talk.request("prompts/get", {"name": name, "arguments": arguments})
        assert answer["error"]["code"] == -32602
        assert said in answer["error"]["message"]


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_is_described_and_names_tools_that_exist(name: str) -> None:
    prompt = PROMPTS[name]
    assert prompt.description.endswith(".")
    assert all(len(argument.description) > 10 for argument in prompt.arguments)
    required = {argument.name: "Something" for argument in prompt.arguments if argument.required}
    every = {argument.name: f"<{argument.name}>" for argument in prompt.arguments}
    for given in (required, every):
        text = prompt.text(given)
        assert all(value in text for value in given.values())
        assert 600 < len(text) < 2_500
        assert not text.startswith(" ")
        assert "    \n" not in text
        named = {*TOOL_LIKE.findall(text)} - {"save_as"}
        assert named <= set(TOOLS)
        assert "query_sql" in named


@both_eras
async def test_completions_without_a_project_offer_nothing_and_break_nothing(
    home: Home, era: Era
) -> None:
    async with talking(home, TOOLS) as talk:
        await talk.shake_hands(era)
        for argument in ("event", "property", "table", "period"):
            assert await complete(talk, argument, "x") == []
        assert (await talk.call("inspect_workspace"))["isError"] is False
