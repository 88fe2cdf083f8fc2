"""Tools that the suite names and that can be ours: called through validation, caller and protocol.

Never return anything but what every tool of ours returns, a typed result.
"""

from typing import Annotated

from pydantic import Field

from mp_mcp.errors import UsageError
from mp_mcp.progress import Progress
from mp_mcp.results import Result
from mp_mcp.tool import Tool, tool

Region = Annotated[
    str,
    Field(
        description="any word; a header carries it too",
        json_schema_extra={"x-mcp-header": "Region"},
    ),
]


class Said(Result):
    """What was said."""

    text: str


@tool
async def test_simple_text() -> Said:
    """Say one sentence."""
    return Said(text="This is a simple text response for testing.")


@tool
async def test_error_handling() -> Said:
    """Fail, always, with an error that has a name."""
    raise UsageError("This tool intentionally returns an error for testing.", hint="Do not worry.")


@tool
async def test_tool_with_progress(progress: Progress) -> Said:
    """Report progress three times."""
    for done in (0, 50, 100):
        await progress(done, 100, f"step {done} of 100")
    return Said(text="All three steps are done.")


@tool
async def test_x_mcp_header(region: Region) -> Said:
    """Say a word that a header of HTTP repeats."""
    return Said(text=region)


def own_tools() -> dict[str, Tool]:
    """All of them, by name."""
    functions = (test_error_handling, test_simple_text, test_tool_with_progress, test_x_mcp_header)
    found: list[Tool] = [vars(function)["__mp_tool__"] for function in functions]
    return {tool.name: tool for tool in found}
