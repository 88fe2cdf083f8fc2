"""Small files and small functions, without exceptions: an exception list only ever grows."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in ("mp_mcp", "tests", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40


def test_there_is_something_to_measure() -> None:
    assert "mp_mcp/tool.py" in FILES
    assert "tests/contract/test_sizes.py" in FILES


def test_no_module_is_long() -> None:
    lines = {name: len(text.splitlines()) for name, text in FILES.items()}
    assert {name: n for name, n in lines.items() if n > MOST_LINES_OF_A_MODULE} == {}


def test_no_function_is_long() -> None:
    lines = {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, text in FILES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lines.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def test_every_module_of_the_package_says_what_it_is_for() -> None:
    silent = [
        name
        for name, text in FILES.items()
        if name.startswith("mp_mcp/") and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []
