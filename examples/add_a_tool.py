"""Add a tool: one function in one file below mp_mcp/tools/, and nothing else.

The function between the two lines is all that a new file there would hold. Run this to see what is
made of it, and to call it on a small table: `.venv/bin/python examples/add_a_tool.py`
"""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import anyio
from pydantic import Field

from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.call import LocalCaller
from mp_mcp.results import Rows
from mp_mcp.store.handles import StoreReader
from mp_mcp.store.open_store import Files
from mp_mcp.store.reads import Limits
from mp_mcp.tool import Flag, Handle, Tool, tool

# --- mp_mcp/tools/storage/query_busiest_days.py --------------------------------------------------

Count = Annotated[int, Flag("-n", "--count"), Field(ge=1, le=31, description="How many days")]


@tool
async def query_busiest_days(store: StoreReader, *, count: Count = 3) -> Rows:
    """List the days with the most events of the table events.

    Use it to find peaks. For anything else, use query_sql. Costs nothing.
    Example: count=7.
    """
    sql = "SELECT day::VARCHAR AS day, count(*) AS events FROM events GROUP BY 1 ORDER BY 2 DESC"
    return await store.query(sql, limit=count)


# --- what comes of it ----------------------------------------------------------------------------


class Standing:
    """Where the call stands: here it lends readers of one file. The server has a real one."""

    project = "example"
    notice = None

    def __init__(self, reader: Handle) -> None:
        self._reader = reader

    def standing(self) -> "Standing":
        """Always here."""
        return self

    def notice_told(self) -> None:
        """There is none."""

    async def lend(self, handle: type[Handle], **_: Any) -> Handle:
        """A tool gets what it asks for in its signature, and nothing else."""
        assert handle is StoreReader
        return self._reader


async def main() -> None:
    """Show the tool, then call it as an agent would."""
    found: Tool = query_busiest_days.__mp_tool__  # type: ignore[attr-defined]
    print(f"MCP tool   {found.name}, read-only: {not found.writes}")
    print(f"command    mp {' '.join(found.words)} [-n/--count]")
    properties = found.arguments_model.model_json_schema()["properties"]
    print(f"arguments  {json.dumps(properties)}")
    with tempfile.TemporaryDirectory() as folder:
        files = Files()
        store = files.store(Path(folder) / "example.db", spool=Path(folder) / "spool")
        await store.writer().save(
            "events",
            "SELECT DATE '2025-01-01' + (n % 9 * (n % 2))::INT AS day FROM range(100) t(n)",
            replace=False,
        )
        caller = LocalCaller({found.name: found}, Standing(store.reader(Limits())), AGENT_BOUNDS)
        answer = await caller.call(found.name, {"count": 2})
        print(f"answer     {answer.model_dump_json(exclude_none=True)}")
        await files.close()


if __name__ == "__main__":
    anyio.run(main)
