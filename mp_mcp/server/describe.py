"""A tool as MCP shows it, in as few tokens as it takes: agents read them all, in every session.

Never adds a word of its own: everything comes from the tool's signature and docstring.
"""

from functools import cache
from typing import Any

from mcp_types import Tool as McpTool
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from mp_mcp.results import Result, Rows
from mp_mcp.tool import Tool


@cache
def described(tool: Tool) -> McpTool:
    """A tool as MCP shows it: everything comes from its signature and docstring."""
    return McpTool(
        name=tool.name,
        description=tool.description,
        input_schema=_lean(tool.arguments_model.model_json_schema()),
        output_schema=_answer(tool.result_model),
        annotations=ToolAnnotations(
            read_only_hint=not tool.writes,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.asks_mixpanel,
        ),
    )


def _answer(model: type[BaseModel]) -> dict[str, Any]:
    """The shape of an answer: the names of its fields and their kinds.

    Hosts show agents the answer, not its schema; what any answer may say besides is in the
    server's instructions. So nothing is described here, and more than what is named may come.
    """
    fields = _lean(model.model_json_schema(mode="serialization"))["properties"]
    return {
        "type": "object",
        "properties": {
            name: _kind(field) for name, field in fields.items() if name not in _SAID_ONCE
        },
    }


def _kind(field: dict[str, Any]) -> dict[str, Any]:
    if "type" in field:
        return {"type": field["type"]}
    return {"type": "object"} if "$ref" in field else {}


_SAID_ONCE = {*Result.model_fields, *Rows.model_fields} - {
    *("project", "columns", "rows", "row_count", "truncated", "hint")
}


def _lean(schema: dict[str, Any]) -> dict[str, Any]:
    """A model's schema in as few tokens as it takes."""
    lean: dict[str, Any] = _without_noise(schema)
    lean.pop("description", None)  # the docstring of the model: the tool has its own
    return lean


def _without_noise(schema: Any, *, of_names: bool = False) -> Any:
    """Without what says nothing to an agent: generated titles, null where leaving a value out says
    the same, and defaults that are empty. `of_names` is for objects whose keys are names.
    """
    if isinstance(schema, list):
        return [_without_noise(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if of_names:
        return {name: _without_noise(item) for name, item in schema.items()}
    kept = {
        key: _without_noise(item, of_names=key in ("properties", "$defs"))
        for key, item in schema.items()
        if key not in ("title", "minLength", "format")
    }
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept = {**choices[0], **kept}
    if "default" in kept and kept["default"] in (None, False, [], ""):
        del kept["default"]
    return kept
