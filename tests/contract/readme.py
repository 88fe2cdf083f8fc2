"""Writes the table of tools into README.md, between its two markers, from the tools themselves.

Never touches anything outside the markers. Run it with `python -m tests.contract.readme`.
"""

import re
from pathlib import Path

import mp_mcp.tools
from mp_mcp.front.tool_command import EXTRAS
from mp_mcp.tool import CHART, Parameter, Tool, discover

README = Path(__file__).parents[2] / "README.md"
MARKED = re.compile(r"(<!-- tools -->\n).*?(<!-- /tools -->)", re.DOTALL)


def table() -> str:
    """The table of all tools as Markdown; those that agents do not see come last."""
    tools = sorted(discover(mp_mcp.tools).values(), key=lambda tool: (tool.human_only, tool.name))
    head = ["| tool | `mp` command | what it does |", "| --- | --- | --- |"]
    return "\n".join([*head, *map(_row, tools)]) + "\n"


def renewed(text: str) -> str:
    """The readme with the table of today; the same text while it has no markers."""
    return MARKED.sub(lambda found: found[1] + table() + found[2], text)


def _row(tool: Tool) -> str:
    name = "people only" if tool.human_only else f"`{tool.name}`"
    extras = EXTRAS.get(tool.name, ())
    filled = {extra.fills for extra in extras}
    words = ["mp", *tool.words]
    own = [p for p in tool.parameters if p not in (*tool.options, CHART)]
    words += [_spelled(p, is_needed=p.name not in filled) for p in own]
    words += [f"[{'/'.join(extra.names)}]" for extra in extras]
    cells = (name, f"`{' '.join(words)}`", tool.description.partition("\n")[0])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _spelled(parameter: Parameter, *, is_needed: bool) -> str:
    flag = parameter.flag
    spelled = flag.argument or "/".join(flag.names)
    if flag.argument and not parameter.required and parameter.default:
        spelled += f"={parameter.default}"
    return spelled if parameter.required and is_needed else f"[{spelled}]"


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
