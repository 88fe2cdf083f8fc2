"""tools/list, as it is on the wire, against the JSON schema that the protocol publishes."""

import copy
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

import mp_mcp.tools
from mp_mcp.settings import Home
from mp_mcp.tool import discover
from tests.unit.server.talk import Era, talking

SCHEMAS = Path(__file__).parent / "protocol_schemas"
REVISIONS: dict[str, Era] = {"2025-11-25": "legacy", "2026-07-28": "modern"}

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("revision", REVISIONS),
]


@pytest.fixture
def home() -> Iterator[Home]:
    path = Path(tempfile.mkdtemp(prefix="mp-"))
    found = Home(path)
    found.create()
    yield found
    shutil.rmtree(path)


async def listing(home: Home, revision: str) -> dict[str, Any]:
    """What a client of that revision gets from the server of all our tools."""
    async with talking(home, discover(mp_mcp.tools)) as talk:
        await talk.shake_hands(REVISIONS[revision])
        answer = await talk.request("tools/list")
    found: dict[str, Any] = answer["result"]
    return found


def published(revision: str) -> Any:
    schema = json.loads((SCHEMAS / f"{revision}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


async def test_our_tools_are_listed_as_the_protocol_publishes(home: Home, revision: str) -> None:
    listed = await listing(home, revision)
    assert {tool["name"] for tool in listed["tools"]} >= {"query_sql", "fetch_events"}
    assert [error.message for error in published(revision).iter_errors(listed)] == []


async def test_a_tool_that_breaks_the_schema_is_found(home: Home, revision: str) -> None:
    good = await listing(home, revision)
    for path, wrong in (
        (("name",), 5),
        (("inputSchema",), {"type": "array"}),
        (("outputSchema",), "an object"),
        (("annotations", "readOnlyHint"), "yes"),
    ):
        listed = copy.deepcopy(good)
        place = listed["tools"][0]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = wrong
        assert not published(revision).is_valid(listed), path
