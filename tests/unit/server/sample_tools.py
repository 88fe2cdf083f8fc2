"""Tools that show how calls end: well, with an error, with a bug, with progress, or never.

Never touch a project: they ask for no handle but Progress.
"""

from typing import Annotated, Any

import anyio
from pydantic import Field

from mp_mcp.errors import RateLimitedError
from mp_mcp.progress import Progress
from mp_mcp.results import Result, Rows
from mp_mcp.tool import Tool, tool

Word = Annotated[str, Field(description="any word")]


class Said(Result):
    """What was said."""

    word: str


@tool
async def say_word(word: Word, *, times: int = 1) -> Said:
    """Say a word."""
    return Said(word=word * times)


@tool
async def fail_call() -> Said:
    """Fail in a way that has a name."""
    raise RateLimitedError("The hour is spent.", hint="Use query_sql.", retry_after=7)


@tool
async def have_bug() -> Said:
    """Fail in a way that nobody thought of."""
    raise KeyError("internal-detail")


@tool
async def list_nulls() -> Rows:
    """List rows with nulls."""
    return Rows(columns=["a", "b"], rows=[[None, {"x": None, "y": [None]}], [1, "é"]], row_count=2)


@tool
async def count_up(progress: Progress) -> Said:
    """Report progress that stands still and steps back."""
    for done in (1, 1, 0, 2):
        await progress(done, 2, f"at {done}")
    return Said(word="done")


@tool(destructive=True, idempotent=False, human_only=True)
async def drop_all() -> Said:
    """Only a human may call this."""
    return Said(word="dropped")


class Waiting:
    """A tool that runs until it is cancelled, and tells when it started and ended."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.cancelled = anyio.Event()

    def tool(self) -> Tool:
        """As a tool."""

        @tool
        async def wait_forever() -> Said:
            """Wait until cancelled."""
            self.started.set()
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                self.cancelled.set()
                raise
            return Said(word="never")

        return tool_of(wait_forever)


def tool_of(function: Any) -> Tool:
    """The tool that a function was marked as."""
    found: Tool = function.__mp_tool__
    return found


def samples(*more: Tool) -> dict[str, Tool]:
    """All of them, in alphabetical order, as `discover` gives them."""
    functions = (say_word, fail_call, have_bug, list_nulls, count_up, drop_all)
    found = [*map(tool_of, functions), *more]
    return {tool.name: tool for tool in sorted(found, key=lambda tool: tool.name)}
