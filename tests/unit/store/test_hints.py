"""What the store's texts tell people to call exists."""

import ast
import re
from pathlib import Path

import mp_mcp.store
from mp_mcp.store import guard_names

COMMANDS = {"load", "server", "fetch", "query", "inspect", "auth", "export", "snapshot"}
TOOLS = {"fetch_events", "query_sql", "save_table", "drop_table"}
TOOLS |= {"inspect_tables", "inspect_workspace", "inspect_schema", "inspect_column"}


def texts() -> list[str]:
    """Every string of the store that can be shown; docstrings cannot."""
    found = [*guard_names.STATEMENT_HINTS.values()]
    for file in Path(mp_mcp.store.__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.keyword)):
            if call.arg == "hint":
                found += [
                    str(part.value) for part in ast.walk(call) if isinstance(part, ast.Constant)
                ]
    return found


def test_every_hint_names_commands_and_tools_that_exist() -> None:
    said = "\n".join(texts())
    assert "mp load" in said
    assert set(re.findall(r"\bmp ([a-z]+)\b", said)) - {"wrote"} <= COMMANDS
    assert set(re.findall(r"\b(?:fetch|inspect|query|save|drop)_[a-z]+", said)) <= TOOLS
