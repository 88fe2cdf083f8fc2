from typing import Any

import pytest

import mp_mcp.tools
from mp_mcp.errors import UsageError
from mp_mcp.server.toolsets import Choice
from mp_mcp.settings import Home
from mp_mcp.tool import SAVE_AS, discover
from tests.unit.server.sample_tools import samples
from tests.unit.server.talk import Era, talking

pytestmark = pytest.mark.anyio

TOOLS = discover(mp_mcp.tools)
AGENT_TOOLS = {name for name, tool in TOOLS.items() if not tool.human_only}
ESSENTIAL = {"query_sql", "save_table", "fetch_events", "inspect_tables", "inspect_events"} | {
    "inspect_bookmarks",
    "inspect_workspace",
    "wait_job",
}


def choice(**found: Any) -> Choice:
    made = Choice.from_dict(found)
    made.check(TOOLS)
    return made


def test_without_a_choice_few_tools_are_listed_and_all_can_be_called() -> None:
    listed = choice().listed(TOOLS)
    assert set(listed) >= ESSENTIAL
    assert len(listed) <= 20
    assert set(choice().usable(TOOLS)) == AGENT_TOOLS
    assert choice().withheld(TOOLS) == {}


def test_all_is_every_tool_but_those_of_people() -> None:
    assert set(choice(toolsets=["all"]).listed(TOOLS)) == AGENT_TOOLS


def test_the_parts_are_all_tools_together_and_share_none() -> None:
    parts = [choice(toolsets=[part]).listed(TOOLS) for part in ("api", "storage", "jobs")]
    parts.append(choice(toolsets=["workspace"]).listed(TOOLS))
    assert sorted(name for part in parts for name in part) == sorted(AGENT_TOOLS)
    assert all(parts)


def test_a_choice_is_also_a_limit() -> None:
    chosen = choice(toolsets=["jobs"], tools=["query_sql"])
    assert {"wait_job", "query_sql"} <= set(chosen.listed(TOOLS))
    assert chosen.listed(TOOLS) == chosen.usable(TOOLS)
    assert "save_table" in chosen.withheld(TOOLS)


def test_tools_alone_are_exactly_those() -> None:
    assert list(choice(tools=["query_sql", "save_table"]).listed(TOOLS)) == [
        "query_sql",
        "save_table",
    ]


def test_read_only_leaves_nothing_that_writes() -> None:
    for chosen in (choice(read_only=True), choice(read_only=True, toolsets=["all"])):
        usable = chosen.usable(TOOLS)
        assert {"query_sql", "inspect_events", "wait_job"} <= set(usable)
        assert not any(tool.writes or tool.destructive for tool in usable.values())
        assert not any(SAVE_AS in tool.parameters for tool in usable.values())
    assert SAVE_AS in choice().usable(TOOLS)["query_segmentation"].parameters


def test_read_only_wins_over_a_tool_that_is_named() -> None:
    chosen = choice(read_only=True, tools=["save_table", "query_sql"])
    assert list(chosen.listed(TOOLS)) == ["query_sql"]
    assert "read-only" in chosen.withheld(TOOLS)["save_table"].message


@pytest.mark.parametrize(
    ("found", "message", "hint"),
    [
        ({"toolsets": ["defalt"]}, "'defalt'", "default"),
        ({"tools": ["query_sq"]}, "'query_sq'", "query_sql"),
        ({"tools": ["export_sql"]}, "'export_sql'", ""),
        ({"toolsets": "all"}, "toolsets must be a list", ""),
        ({"tools": [1]}, "tools must be a list", ""),
    ],
)
def test_a_name_that_does_not_exist_is_refused_with_the_closest(
    found: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        choice(**found)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_tool_outside_the_choice_is_neither_listed_nor_called(home: Home, era: Era) -> None:
    async with talking(home, samples(), choice={"tools": ["say_word"]}) as talk:
        await talk.shake_hands(era)
        listed = (await talk.request("tools/list"))["result"]["tools"]
        assert [tool["name"] for tool in listed] == ["say_word"]
        for _ in range(2):
            found = (await talk.call("count_up"))["structuredContent"]
            assert "--tools say_word" in found["message"]
            assert "--tools count_up" in found["hint"]
        assert (await talk.call("say_word", word="x"))["isError"] is False


async def test_a_person_has_every_tool_whatever_is_chosen(home: Home) -> None:
    async with talking(home, samples(), kind="human", choice={"tools": ["say_word"]}) as talk:
        assert (await talk.call("drop_all"))["structuredContent"] == {"word": "dropped"}
