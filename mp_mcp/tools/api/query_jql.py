"""The tool query_jql. Never touches the database."""

from typing import Annotated, Any

from pydantic import Field

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.jql import jql
from mp_mcp.results import Rows
from mp_mcp.tool import Flag, tool

Script = Annotated[
    str,
    Flag("-c", "--script"),
    Field(min_length=1, description="JavaScript with a function main() that returns a query"),
]
ScriptParams = Annotated[
    dict[str, Any] | None,
    Flag("-P", "--param"),
    Field(description='Values for the script\'s global params, e.g. {"event": "Signup"}'),
]


@tool(savable=True)
async def query_jql(mixpanel: Mixpanel, script: Script, *, param: ScriptParams = None) -> Rows:
    """Run a JQL script, which is deprecated because Mixpanel is removing JQL.

    Use it only for scripts that exist already. Not for anything new: use fetch_events, then
    query_sql. Groups become columns key and value, objects their own columns. Costs 1 query, never
    cached.
    Example: script="function main() { return People() }".
    """
    return await jql(mixpanel, script, param)
