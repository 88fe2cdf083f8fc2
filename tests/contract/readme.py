"""Writes the tables of tools and settings into README.md, between markers, from the code itself.
A part of examples/demo_transcript.txt, too.

Never touches anything outside the markers. Run it with `python -m tests.contract.readme`.
"""

from pathlib import Path

import mp_mcp.tools
from mp_mcp.accounts import SERVER_SETTINGS, range_of
from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.front.tool_command import EXTRAS
from mp_mcp.server.lease import LONGEST_LINE
from mp_mcp.server.standing import AGENT_TIMEOUT_S, HUMAN_TIMEOUT_S
from mp_mcp.settings import VARIABLES
from mp_mcp.tool import CHART, Parameter, Tool, discover

README = Path(__file__).parents[2] / "README.md"

FIXED = {
    f"{LONGEST_LINE // 2**20} MiB": "bytes of one request",
    f"{AGENT_BOUNDS.max_rows:,} rows, {(AGENT_BOUNDS.max_bytes or 0) // 1000} kB": (
        "one answer to an agent; `mp` gets 100,000 rows, `mp export` all of them"
    ),
    f"{AGENT_TIMEOUT_S:.0f} s": f"a query of an agent; {HUMAN_TIMEOUT_S:.0f} s of a person",
}
"""Limits that nobody can change."""


def table() -> str:
    """The table of all tools as Markdown; those that agents do not see come last."""
    tools = sorted(discover(mp_mcp.tools).values(), key=lambda tool: (tool.human_only, tool.name))
    head = ["| tool | `mp` command | what it does |", "| --- | --- | --- |"]
    return "\n".join([*head, *map(_row, tools)]) + "\n"


def settings() -> str:
    """Environment variables, `[server]` of mp.toml, and limits that are fixed, as Markdown."""
    rows = [(f"`{name}`", meaning) for name, meaning in VARIABLES.items()]
    rows += [
        (f"`[server]` `{name} = {one.default:g}`", f"{one.metadata['meaning']} ({range_of(name)})")
        for name, one in SERVER_SETTINGS.items()
    ]
    rows += [(f"fixed: {value}", meaning) for value, meaning in FIXED.items()]
    head = ["| setting | meaning |", "| --- | --- |"]
    return "\n".join([*head, *(f"| {name} | {meaning} |" for name, meaning in rows)]) + "\n"


def demo() -> str:
    """Two acts of the recorded `mp demo`: everybody at once, and the same with plain DuckDB."""
    text = (README.parent / "examples" / "demo_transcript.txt").read_text(encoding="utf-8")
    acts = [act for act in text.split("\n\n") if act.startswith(("1. ", "4. "))]
    return "```text\n" + "\n\n".join(acts) + "\n```\n"


TABLES = {"tools": table, "settings": settings, "demo": demo}


def renewed(text: str) -> str:
    """The readme with the tables of today; the same text where it has no markers."""
    for name, make in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(start)
        if found:
            text = before + start + make() + end + rest.partition(end)[2]
    return text


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
