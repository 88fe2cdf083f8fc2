"""`chart=true`: an answer with its picture, for every front."""

import sys
from base64 import b64decode

import anyio
import pytest

from mp_mcp.bounds import Bounds
from mp_mcp.charts.picture import BOXES
from mp_mcp.errors import UsageError
from mp_mcp.results import Rows
from mp_mcp.settings import Home
from mp_mcp.tool import Tool, tool
from tests.unit.calling import Lender, caller
from tests.unit.charts.results import FUNNEL
from tests.unit.server.talk import talking

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG"
ASKED: list[str] = []


@tool(chart=True)
async def query_steps(*, empty: bool = False, event: str = "Signup") -> Rows:
    """Count steps."""
    ASKED.append("query_steps")
    rows = [] if empty else [[row[0], event, *row[2:]] for row in FUNNEL["rows"]]
    return Rows.of(FUNNEL["columns"], rows, hint="Look closer.")


STEPS: Tool = query_steps.__mp_tool__  # type: ignore[attr-defined]


async def test_the_function_does_not_know_of_the_argument() -> None:
    assert [parameter.name for parameter in STEPS.parameters] == ["empty", "event", "chart"]
    answer = await caller(query_steps).call("query_steps", {"chart": True})
    assert isinstance(answer, Rows)
    assert answer.picture is not None
    assert answer.picture.startswith(PNG)
    assert "picture" not in answer.model_dump()


async def test_the_picture_shows_what_the_bounds_cut_off() -> None:
    few = Bounds(max_rows=1, max_bytes=None)
    whole = await caller(query_steps).call("query_steps", {"chart": True})
    bounded = await caller(query_steps, bounds=few).call("query_steps", {"chart": True})
    assert (bounded.row_count, bounded.truncated) == (1, True)
    assert bounded.picture == whole.picture


async def test_without_it_nothing_is_drawn() -> None:
    answer = await caller(query_steps).call("query_steps", {})
    assert isinstance(answer, Rows)
    assert answer.picture is None


async def test_an_answer_without_a_chart_says_so() -> None:
    answer = await caller(query_steps).call("query_steps", {"chart": True, "empty": True})
    assert isinstance(answer, Rows)
    assert (answer.picture, answer.hint) == (None, "There is nothing to draw. Look closer.")


async def test_an_answer_whose_letters_no_font_has_says_so() -> None:
    answer = await caller(query_steps).call("query_steps", {"chart": True, "event": "\U00010600"})
    assert isinstance(answer, Rows)
    assert answer.picture is not None
    assert answer.hint == f"{BOXES} Look closer."


async def test_without_the_library_the_tool_is_not_even_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ASKED.clear()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="not installed"):
        await caller(query_steps).call("query_steps", {"chart": True})
    assert ASKED == []


class Moving(Lender):
    """Each call stands where the client is when it begins."""

    def standing(self) -> Lender:
        here = Lender()
        here.project = self.project
        return here


async def test_a_client_that_moves_while_the_library_loads_is_answered_from_where_it_was() -> None:
    client = Moving()

    async def move() -> None:
        client.project = "43"

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(move)
        answer = await caller(query_steps, lender=client).call("query_steps", {"chart": True})
    assert (answer.project, client.project) == ("42", "43")


async def test_an_agent_gets_text_structure_and_picture(home: Home) -> None:
    async with talking(home, {"query_steps": STEPS}) as talk:
        result = await talk.call("query_steps", chart=True)
    text, *_, image = result["content"]
    assert text["type"] == "text"
    assert (image["type"], image["mimeType"]) == ("image", "image/png")
    assert b64decode(image["data"]).startswith(PNG)
    assert result["structuredContent"]["row_count"] == 3
