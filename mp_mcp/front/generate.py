"""`python -m mp_mcp.front.generate`: write the table of commands from the tools' signatures.

Never imported by `mp`: the table exists so that a start of `mp` costs no pydantic.
"""

import ast
import json
import re
import shlex
import sys
from datetime import date
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import mp_mcp.tools
from mp_mcp.tool import CHART, Parameter, Tool, discover

PATH = Path(__file__).with_name("command_table.json")
KINDS = {bool: "bool", int: "int", float: "float", date: "day", tuple: "list", list: "list"}


def main() -> int:
    """Write the table, and say so."""
    PATH.write_text(as_text(), encoding="utf-8")
    sys.stderr.write(f"wrote {PATH}\n")
    return 0


def as_text() -> str:
    """The table as it is stored."""
    return json.dumps(table(), ensure_ascii=False, indent=1) + "\n"


def table() -> dict[str, Any]:
    """Every tool as a command. Raises: ValueError when a command hides another one."""
    tools = discover(mp_mcp.tools)
    words = [tool.words for tool in tools.values()]
    for one in words:
        if any(other != one and other[: len(one)] == one for other in words):
            raise ValueError(f"mp {' '.join(one)} is a command and a group")
    return {name: _row(tool, tools) for name, tool in tools.items()}


def _row(tool: Tool, tools: dict[str, Tool]) -> dict[str, Any]:
    text, example = _for_people(tool, tools)
    return {
        "words": list(tool.words),
        "short": text.partition("\n")[0],
        "help": text,
        **({"example": example} if example else {}),
        "parameters": [
            _parameter(tool, parameter)
            for parameter in tool.parameters
            if parameter not in (*tool.options, CHART)
        ],
        # They are flags of every command.
        "options": [option.name for option in tool.options],
        **({"is_job": True} if tool.is_job else {}),
        **({"toolsets": list(tool.toolsets)} if tool.toolsets else {}),
    }


def _parameter(tool: Tool, parameter: Parameter) -> dict[str, Any]:
    field = tool.arguments_model.model_fields[parameter.name]
    flag = parameter.flag
    row: dict[str, Any] = {"name": parameter.name}
    if flag.argument:
        row["argument"] = flag.argument
        row["many"] = flag.argument.endswith("...")
    else:
        row["flags"] = list(flag.names)
    kind, choices = _kind(parameter.annotation)
    row["kind"] = "path" if (flag.argument or "").startswith("FILE") else kind
    row["required"] = parameter.required
    if not parameter.required:
        row["default"] = _plain(parameter.default)
    row["help"] = field.description or ""
    if choices:
        row["choices"] = choices
    found = _range(field.metadata)
    if found:
        row["range"] = found
    return row


def _kind(annotation: Any) -> tuple[str, list[str]]:
    """What the shell's text becomes, and the choices if there are any."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (UnionType, Union):
        return _kind(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is Literal:
        return "choice", [str(choice) for choice in get_args(annotation)]
    if origin is dict:
        return "pairs", []
    return KINDS.get(origin or annotation, "str"), []


def _range(metadata: list[Any]) -> str | None:
    bounds = {}
    for rule in metadata:
        for name in ("ge", "gt", "le", "lt"):
            if getattr(rule, name, None) is not None:
                bounds[name] = getattr(rule, name)
    low = bounds.get("ge", f"above {bounds['gt']}" if "gt" in bounds else None)
    high = bounds.get("le", f"below {bounds['lt']}" if "lt" in bounds else None)
    if low is None and high is None:
        return None
    if high is None:
        return f"{low}" if "gt" in bounds else f"at least {low}"
    high = f"{high:,}" if isinstance(high, int) else high
    return f"at most {high}" if low is None else f"{low} to {high}"


def _plain(default: Any) -> Any:
    if isinstance(default, Enum):
        return default.value
    return list(default) if isinstance(default, tuple) else default


def _for_people(tool: Tool, tools: dict[str, Tool]) -> tuple[str, str]:
    """The docstring with commands for tool names, and its example as a command line."""
    text, _, example = tool.description.partition("\nExample: ")
    if example:
        example = _command_line(tool, " ".join(example.split()).removesuffix("."))
    return _as_commands(text, tools).rstrip(), example


def _as_commands(text: str, tools: dict[str, Tool]) -> str:
    def spelled(match: re.Match[str]) -> str:
        found = tools.get(match[0])
        return f"`mp {' '.join(found.words)}`" if found else match[0]

    return re.sub(r"[a-z]+_[a-z_]+", spelled, text)


def _command_line(tool: Tool, example: str) -> str:
    """`event="Purchase", limit=3` as the words of a shell; other examples are the argument."""
    known = {parameter.keyword: parameter for parameter in tool.parameters}
    for parameter in tool.parameters:
        if parameter.keyword != parameter.name:
            example = re.sub(rf"\b{parameter.name}=", f"{parameter.keyword}=", example)
    example = re.sub(r"=true\b", "=True", example)
    try:
        call = ast.parse(f"call({example})", mode="eval").body
    except SyntaxError:
        call = None
    words = ["mp", *tool.words]
    keywords = call.keywords if isinstance(call, ast.Call) and not call.args else []
    if not keywords:
        return f"{shlex.join(words)} {_quoted(example)}"
    for keyword in keywords:
        parameter = known[str(keyword.arg)]
        words += _spelled(parameter, ast.literal_eval(keyword.value))
    return shlex.join(words)


def _quoted(text: str) -> str:
    """Double quotes where SQL has single ones and nothing that a shell would touch."""
    if "'" in text and not re.search(r'["$`\\!]', text):
        return f'"{text}"'
    return shlex.quote(text)


def _spelled(parameter: Parameter, value: Any) -> list[str]:
    if parameter.flag.argument:
        return [str(one) for one in value] if isinstance(value, list) else [str(value)]
    name = parameter.flag.names[-1]
    if value is True:
        return [name]
    return [name, ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)]


if __name__ == "__main__":
    sys.exit(main())
