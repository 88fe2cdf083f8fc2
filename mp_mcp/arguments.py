"""A call from outside, checked: which tool is meant, and are its arguments of the right types.

Never runs a tool: `call.py` does.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mp_mcp.errors import UsageError
from mp_mcp.tool import Tool
from mp_mcp.wording import closest

MOST_ARGUMENTS = 100
MOST_ITEMS = 10_000
"""No call needs as many; looking at each of a million holds up everybody else."""

MOST_PROBLEMS = 10


def find(tools: Mapping[str, Tool], name: str) -> Tool:
    """The tool of that name. Raises: UsageError with the closest name."""
    if name in tools:
        return tools[name]
    close = closest(name, tools)
    hint = f"Did you mean {close[0]}?" if close else "Known tools: " + ", ".join(tools)
    raise UsageError(f"There is no tool {name!r}.", hint=hint)


def validated(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The call's parameters as the tool's types. Raises: UsageError that names each argument."""
    hint = "Arguments: " + ", ".join(_spelled(tool)) + "."
    if too_many := _too_many(arguments):
        raise UsageError(f"{tool.name}: {too_many}.", hint=hint)
    try:
        model = tool.arguments_model.model_validate(dict(arguments))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        problems = [_problem(tool, dict(each)) for each in found[:MOST_PROBLEMS]]
        if len(found) > MOST_PROBLEMS:
            problems.append(f"and {len(found) - MOST_PROBLEMS:,} more")
        raise UsageError(f"{tool.name}: " + "; ".join(problems) + ".", hint=hint) from error
    return {parameter.keyword: getattr(model, parameter.name) for parameter in tool.parameters}


def _too_many(arguments: Mapping[str, Any]) -> str | None:
    if len(arguments) > MOST_ARGUMENTS:
        return f"{len(arguments):,} arguments are too many"
    for name, value in arguments.items():
        if isinstance(value, (list, dict)) and len(value) > MOST_ITEMS:
            return f"{name} has {len(value):,} items, at most {MOST_ITEMS:,} are possible"
    return None


def _problem(tool: Tool, found: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in found["loc"]) or "arguments"
    if found["type"] == "extra_forbidden":
        close = closest(name, [parameter.name for parameter in tool.parameters])
        return f"unknown argument {name}" + (f", did you mean {close[0]}?" if close else "")
    if found["type"] == "missing":
        return f"{name} is required"
    if found["type"] == "string_pattern_mismatch":
        return f"{name} names a table: letters, digits and _, at most 63, no digit at the start"
    return f"{name}: {str(found['msg']).removeprefix('Value error, ')}"


def _spelled(tool: Tool) -> list[str]:
    return [p.name if p.required else f"[{p.name}]" for p in tool.parameters] or ["none"]
