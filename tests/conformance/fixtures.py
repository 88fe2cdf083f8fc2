"""What a fixture tool is: one that answers with what no tool of ours does.

Never lists a tool: the modules beside it do.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    InputRequiredResult,
    TextContent,
)
from mcp_types import Tool as McpTool

Context = ServerRequestContext[Any, Any]
Answer = CallToolResult | InputRequiredResult
Answering = Callable[[Context, CallToolRequestParams], Awaitable[Answer]]

NO_ARGUMENTS: dict[str, Any] = {"type": "object", "additionalProperties": False}

IMAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5E"
    "rkJggg=="
)
"""A red pixel, as PNG."""


@dataclass(frozen=True)
class Fixture:
    """A tool by name, and what it answers."""

    answer: Answering
    schema: dict[str, Any] = field(default_factory=lambda: NO_ARGUMENTS)

    def listed(self) -> McpTool:
        """The tool as MCP shows it."""
        return McpTool(
            name=self.answer.__name__,
            description=self.answer.__doc__ or "",
            input_schema=self.schema,
        )


def by_name(*fixtures: Fixture) -> dict[str, Fixture]:
    """Fixtures under the names of their functions."""
    return {fixture.answer.__name__: fixture for fixture in fixtures}


def said(text: str) -> CallToolResult:
    """A result of one text."""
    return shown(TextContent(text=text))


def shown(*content: ContentBlock) -> CallToolResult:
    """A result of these contents."""
    return CallToolResult(content=list(content))
