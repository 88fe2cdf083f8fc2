"""A tool as MCP shows it, in as few tokens as it takes: agents read them all, in every session.

Never adds a word of its own: everything comes from the tool's signature and docstring.
"""

from functools import cache
from typing import Any

from mcp_types import Tool as McpTool
from mcp_types import ToolAnnotations

from mp_mcp.tool import Tool


@cache
def described(tool: Tool) -> McpTool:
    """A tool as MCP shows it: everything comes from its signature and docstring."""
    return McpTool(
        name=tool.name,
        description=tool.description,
        input_schema=_lean(tool.arguments_model.model_json_schema()),
        output_schema=_lean(tool.result_model.model_json_schema(mode="serialization")),
        annotations=ToolAnnotations(
            title=tool.name.replace("_", " ").capitalize(),
            read_only_hint=not tool.writes,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.asks_mixpanel,
        ),
    )


def _lean(schema: dict[str, Any]) -> dict[str, Any]:
    """A model's schema in as few tokens as it takes: agents read them all, in every session."""
    lean: dict[str, Any] = _without_noise(schema)
    lean.pop("description", None)  # the docstring of the model: the tool has its own
    return lean


def _without_noise(schema: Any) -> Any:
    """Without generated titles, and without null where leaving a value out says the same."""
    if isinstance(schema, list):
        return [_without_noise(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _without_noise(item)
        for key, item in schema.items()
        if not (key == "title" and isinstance(item, str))
    }
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept = {**choices[0], **kept}
        if kept.get("default", ...) is None:
            del kept["default"]
    return kept
