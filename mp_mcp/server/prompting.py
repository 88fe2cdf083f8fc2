"""Prompts over MCP: the list, and the text of one.

Never knows a prompt by name: `mp_mcp/prompts` holds them.
"""

from collections.abc import Mapping
from functools import cache

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptResult,
    ListPromptsResult,
    PromptArgument,
    PromptMessage,
    TextContent,
)
from mcp_types import Prompt as McpPrompt

import mp_mcp.prompts
from mp_mcp.errors import UsageError
from mp_mcp.prompt import Prompt, discover


@cache
def known() -> dict[str, Prompt]:
    """Every prompt, by name."""
    return discover(mp_mcp.prompts)


def listed() -> ListPromptsResult:
    """The answer to `prompts/list`."""
    return ListPromptsResult(
        prompts=[_described(one) for one in known().values()], ttl_ms=60_000, cache_scope="private"
    )


def filled(name: str, given: Mapping[str, str]) -> GetPromptResult:
    """The answer to `prompts/get`. Raises: MCPError, as the protocol wants it."""
    found = known().get(name)
    if found is None:
        names = ", ".join(known())
        raise MCPError(INVALID_PARAMS, f"There is no prompt {name!r}. Known: {names}.")
    try:
        text = found.text(given)
    except UsageError as error:
        told = f"{error.message} {error.hint}"
        raise MCPError(INVALID_PARAMS, told, error.info().as_dict()) from error
    message = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=found.description, messages=[message])


def _described(one: Prompt) -> McpPrompt:
    return McpPrompt(
        name=one.name,
        title=one.name.replace("_", " ").capitalize(),
        description=one.description,
        arguments=[
            PromptArgument(name=a.name, description=a.description, required=a.required)
            for a in one.arguments
        ],
    )
