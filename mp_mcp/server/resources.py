"""Resources over MCP: each is the answer of a tool under an address.

Never has anything that a tool has not: many hosts show no resources.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import unquote

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
)

from mp_mcp.overview import Overview
from mp_mcp.tool import Handle, Tool

CallTool = Callable[[str, dict[str, Any]], Awaitable[CallToolResult]]

TABLE = "mp://tables/"
JSON = "application/json"
MOST_TABLES = 100


class Lends(Protocol):
    """Who lends the handles of a client."""

    async def lend(self, handle: type[Handle], **options: Any) -> Handle:
        """The capability. Raises: MpError."""


class Fixed(NamedTuple):
    """A resource whose address is whole."""

    tool: str
    name: str
    description: str


FIXED = {
    "mp://workspace": Fixed(
        "inspect_workspace", "workspace", "Project, account, budget, local tables, clients"
    ),
    "mp://history": Fixed(
        "inspect_history", "history", "The latest calls of everybody who works on this project"
    ),
}
TABLES = Fixed("inspect_schema", "table", "Columns and properties of a local table")


async def listed(tools: Mapping[str, Tool], here: Lends) -> ListResourcesResult:
    """The answer to `resources/list`: what these tools can show, and the tables as last seen."""
    found = [
        Resource(uri=uri, name=one.name, description=one.description, mime_type=JSON)
        for uri, one in FIXED.items()
        if one.tool in tools
    ]
    if TABLES.tool in tools:
        seen = (await cast(Overview, await here.lend(Overview)).workspace()).tables or []
        found += [
            Resource(
                uri=TABLE + table.name,
                name=table.name,
                description=TABLES.description,
                mime_type=JSON,
            )
            for table in seen[:MOST_TABLES]
        ]
    return ListResourcesResult(resources=found, ttl_ms=5_000, cache_scope="private")


def templates(tools: Mapping[str, Tool]) -> ListResourceTemplatesResult:
    """The answer to `resources/templates/list`."""
    table = ResourceTemplate(
        uri_template=TABLE + "{table}",
        name=TABLES.name,
        description=TABLES.description,
        mime_type=JSON,
    )
    shown = [table] if TABLES.tool in tools else []
    return ListResourceTemplatesResult(
        resource_templates=shown, ttl_ms=60_000, cache_scope="private"
    )


async def read(uri: str, tools: Mapping[str, Tool], call: CallTool) -> ReadResourceResult:
    """The answer to `resources/read`. Raises: MCPError, as the protocol wants it."""
    tool, arguments = _meant(uri)
    if tool not in tools:
        known = ", ".join(
            [*(u for u, one in FIXED.items() if one.tool in tools), TABLE + "{table}"]
        )
        raise MCPError(INVALID_PARAMS, f"There is no resource {uri!r}. Known: {known}.")
    answer = await call(tool, arguments)
    found = answer.structured_content or {}
    if answer.is_error:
        told = f"{found.get('message')} {found.get('hint') or ''}".strip()
        raise MCPError(INVALID_PARAMS, told, {"uri": uri, **found})
    text = json.dumps(found, ensure_ascii=False)
    contents = [TextResourceContents(uri=uri, mime_type=JSON, text=text)]
    # As beside the answer of a call: the JSON stays clean.
    contents += [
        TextResourceContents(uri=uri, mime_type="text/plain", text=block.text)
        for block in answer.content[1:]
        if isinstance(block, TextContent)
    ]
    return ReadResourceResult(contents=contents, ttl_ms=0, cache_scope="private")


def _meant(uri: str) -> tuple[str, dict[str, Any]]:
    """The tool that answers for an address; an empty name for none."""
    if uri in FIXED:
        return FIXED[uri].tool, {}
    name = unquote(uri.removeprefix(TABLE))
    return (TABLES.tool, {"table": name}) if uri.startswith(TABLE) and name else ("", {})
