import json
import logging
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from mp_mcp.settings import Home
from tests.unit.server.sample_tools import Waiting, samples
from tests.unit.server.talk import INITIALIZE, Era, talking

pytestmark = pytest.mark.anyio

both_eras = pytest.mark.parametrize("era", ["legacy", "modern"])
AGENT_TOOLS = ["count_up", "fail_call", "have_bug", "list_nulls", "say_word"]


@both_eras
async def test_a_tool_is_listed_and_called(home: Home, era: Era) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        listed = (await talk.request("tools/list"))["result"]["tools"]
        assert [tool["name"] for tool in listed] == AGENT_TOOLS
        result = await talk.call("say_word", word="pear", times=2)
    assert result["structuredContent"] == {"word": "pearpear"}
    assert result["isError"] is False
    assert json.loads(result["content"][0]["text"]) == {"word": "pearpear"}


async def test_the_server_introduces_itself_with_what_to_do_first(home: Home) -> None:
    async with talking(home, samples()) as talk:
        legacy = (await talk.shake_hands("legacy"))["result"]
        assert legacy["serverInfo"]["name"] == "mp-mcp"
        assert "inspect_workspace" in legacy["instructions"]
    async with talking(home, samples()) as talk:
        modern = (await talk.shake_hands("modern"))["result"]
        assert "2026-07-28" in modern["supportedVersions"]
        assert "inspect_workspace" in modern["instructions"]


async def test_discover_then_initialize_on_one_pipe(home: Home) -> None:
    async with talking(home, samples()) as talk:
        assert "result" in await talk.shake_hands("modern")
        assert "result" in await talk.request("server/discover")
        assert (await talk.shake_hands("legacy"))["result"]["protocolVersion"] == "2025-11-25"
        assert (await talk.call("say_word", word="x"))["structuredContent"] == {"word": "x"}


async def test_discover_then_modern_calls_on_one_pipe(home: Home) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands("modern")
        assert (await talk.call("say_word", word="x"))["resultType"] == "complete"
        assert "result" in await talk.request("server/discover")


async def test_modern_calls_need_no_discover(home: Home) -> None:
    async with talking(home, samples()) as talk:
        assert (await talk.call("say_word", word="x"))["structuredContent"] == {"word": "x"}


@pytest.mark.parametrize("params", [None, {}, {"_meta": {}}, {"_meta": 5}])
async def test_a_malformed_discover_is_answered_and_blocks_nothing(home: Home, params: Any) -> None:
    async with talking(home, samples()) as talk:
        message = {"jsonrpc": "2.0", "id": "odd", "method": "server/discover"}
        await talk.send(message if params is None else {**message, "params": params})
        assert {"error", "result"} & set(await talk.wait("odd"))
        await talk.shake_hands("legacy")
        assert (await talk.call("say_word", word="x"))["isError"] is False


@both_eras
async def test_an_unknown_tool_is_an_error_result(home: Home, era: Era) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        result = await talk.call("say_words", word="x")
    assert result["isError"] is True
    assert result["structuredContent"] == {
        "code": "usage",
        "message": "There is no tool 'say_words'.",
        "hint": "Did you mean say_word?",
        "retryable": False,
    }


@both_eras
async def test_an_unknown_argument_is_an_error_result(home: Home, era: Era) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        result = await talk.call("say_word", word="x", time=3)
    assert result["isError"] is True
    assert "did you mean times?" in result["structuredContent"]["message"]


async def test_a_call_without_arguments_is_an_error_result(home: Home) -> None:
    async with talking(home, samples()) as talk:
        answer = await talk.request("tools/call", {"name": "say_word"})
    assert answer["result"]["isError"] is True
    assert "word is required" in answer["result"]["structuredContent"]["message"]


@both_eras
async def test_an_error_is_a_result_with_its_reason_and_the_way_out(home: Home, era: Era) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        result = await talk.call("fail_call")
    assert result["isError"] is True
    assert result["structuredContent"] == {
        "code": "rate_limited",
        "message": "The hour is spent.",
        "hint": "Use query_sql.",
        "retryable": True,
        "retry_after": 7,
    }
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


@both_eras
async def test_a_bug_is_an_error_result_without_internals(
    home: Home, era: Era, caplog: pytest.LogCaptureFixture
) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        result = await talk.call("have_bug")
        assert (await talk.call("say_word", word="x"))["isError"] is False
    assert result["isError"] is True
    assert result["structuredContent"]["code"] == "unexpected"
    told = json.dumps(result)
    assert not any(word in told for word in ("Traceback", "KeyError", "internal-detail", "File"))
    (logged,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert logged.exc_info
    assert "have_bug" in logged.getMessage()


async def test_each_call_is_one_line_in_the_log_whatever_it_is_named(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mp_mcp")
    async with talking(home, samples()) as talk:
        for name in ("say_word", "no\nsuch\x1b[31mtool", "x" * 10_000):
            await talk.call(name, word="secret-argument")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert lines[0].startswith("call test say_word")
    assert lines[0].endswith("ms ok")
    assert all(line.isprintable() and len(line) < 120 for line in lines)
    assert "secret-argument" not in caplog.text


@both_eras
@pytest.mark.parametrize("token", ["a token", 0, 7])
async def test_progress_is_told_to_who_asked_and_only_grows(
    home: Home, era: Era, token: Any
) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        await talk.call("count_up", token=token)
        notes = await talk.wait_for_notes(4)
    assert {note["method"] for note in notes} == {"notifications/progress"}
    assert all(note["params"]["progressToken"] == token for note in notes)
    assert [note["params"]["message"] for note in notes] == ["at 1", "at 1", "at 0", "at 2"]
    done = [note["params"]["progress"] for note in notes]
    assert done == sorted(set(done))


@both_eras
async def test_progress_is_told_to_nobody_who_did_not_ask(home: Home, era: Era) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        await talk.call("count_up")
        await talk.call("say_word", word="x")
        assert talk.notes == []


@both_eras
async def test_a_cancelled_call_is_cancelled_in_the_tool(home: Home, era: Era) -> None:
    waiting = Waiting()
    async with talking(home, samples(waiting.tool())) as talk:
        await talk.shake_hands(era)
        number = await talk.start_call("wait_forever")
        await waiting.started.wait()
        params = {"requestId": number, "reason": "enough"}
        await talk.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
        await waiting.cancelled.wait()
        assert (await talk.call("say_word", word="x"))["isError"] is False


@both_eras
async def test_a_client_that_goes_takes_its_calls_with_it(home: Home, era: Era) -> None:
    waiting = Waiting()
    async with talking(home, samples(waiting.tool())) as talk:
        await talk.shake_hands(era)
        await talk.start_call("wait_forever")
        await waiting.started.wait()
    assert waiting.cancelled.is_set()


@both_eras
async def test_a_slow_call_does_not_hold_up_the_next(home: Home, era: Era) -> None:
    waiting = Waiting()
    async with talking(home, samples(waiting.tool())) as talk:
        await talk.shake_hands(era)
        await talk.start_call("wait_forever")
        await waiting.started.wait()
        assert (await talk.call("say_word", word="x"))["isError"] is False
        assert not waiting.cancelled.is_set()


@both_eras
async def test_nulls_in_rows_survive_the_wire(home: Home, era: Era) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands(era)
        found = (await talk.call("list_nulls"))["structuredContent"]
    assert found["rows"] == [[None, {"x": None, "y": [None]}], [1, "é"]]


@both_eras
async def test_a_human_gets_no_text_beside_the_structure(home: Home, era: Era) -> None:
    async with talking(home, samples(), kind="human") as talk:
        await talk.shake_hands(era)
        for tool in ("list_nulls", "fail_call", "have_bug"):
            result = await talk.call(tool)
            assert result["content"] == []
            assert result["structuredContent"]


async def test_humans_see_and_call_the_tools_that_agents_do_not(home: Home) -> None:
    async with talking(home, samples(), kind="human") as talk:
        listed = (await talk.request("tools/list"))["result"]["tools"]
        assert sorted([*AGENT_TOOLS, "drop_all"]) == [tool["name"] for tool in listed]
        assert (await talk.call("drop_all"))["structuredContent"] == {"word": "dropped"}


async def test_an_agent_cannot_call_a_humans_tool_by_its_name(home: Home) -> None:
    async with talking(home, samples()) as talk:
        result = await talk.call("drop_all")
        assert result["isError"] is True
        assert "drop_all" not in str((await talk.call("drop_al"))["structuredContent"]["hint"])


async def test_the_list_is_the_same_every_time(home: Home) -> None:
    lists = []
    for era in ("legacy", "legacy", "modern", "modern"):
        async with talking(home, samples()) as talk:
            await talk.shake_hands(era)
            lists.append((await talk.request("tools/list"))["result"]["tools"])
    assert all(found == lists[0] for found in lists)


async def test_answers_are_as_their_schemas_say(home: Home) -> None:
    async with talking(home, samples()) as talk:
        listed = (await talk.request("tools/list"))["result"]["tools"]
        schemas = {tool["name"]: tool["outputSchema"] for tool in listed}
        for name, arguments in {"say_word": {"word": "x"}, "list_nulls": {}}.items():
            result = await talk.call(name, **arguments)
            jsonschema.validate(result["structuredContent"], schemas[name])


@pytest.mark.parametrize("method", ["resources/list", "prompts/list", "ping", "logging/setLevel"])
async def test_what_we_do_not_have_is_answered_and_breaks_nothing(home: Home, method: str) -> None:
    async with talking(home, samples()) as talk:
        await talk.shake_hands("legacy")
        assert {"result", "error"} & set(await talk.request(method))
        assert (await talk.call("say_word", word="x"))["isError"] is False


async def test_an_older_revision_is_spoken_too(home: Home) -> None:
    async with talking(home, samples()) as talk:
        talk.era = "legacy"
        answer = await talk.request("initialize", {**INITIALIZE, "protocolVersion": "2024-11-05"})
        assert answer["result"]["protocolVersion"] == "2024-11-05"
        await talk.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (await talk.call("say_word", word="x"))["isError"] is False
