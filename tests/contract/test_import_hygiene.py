"""What a start of `mp` may import: static rules cannot see deferred imports, `sys.modules` can."""

import json
import os
import subprocess
import sys

import pytest

from tests.unit.front.fake_server import Script, answers, serving

HEAVY = {
    *("anyio", "asyncio", "duckdb", "httpx", "importlib.metadata", "mcp", "mcp_types"),
    *("pydantic", "pydantic_core", "rich", "tomllib", "subprocess", "logging"),
    *("click", "argparse", "inspect", "dataclasses", "datetime", "uuid", "gettext", "locale"),
    *("textwrap", "getpass", "urllib.request", "threading", "tempfile", "csv"),
    *("mp_mcp.call", "mp_mcp.tool", "mp_mcp.tools", "mp_mcp.accounts", "mp_mcp.store"),
}
PROGRAM = """
import json, sys
from mp_mcp.front.cli import main
code = main(sys.argv[1:])
sys.stderr.write(json.dumps([int(code), sorted(sys.modules)]))
"""
ROWS: Script = answers({"columns": ["a"], "rows": [[1]], "row_count": 1})
REFUSED: Script = answers({"code": "query", "message": "No."}, is_error=True)


@pytest.mark.parametrize(
    ("words", "script", "code"),
    [
        (["query", "sql", "select 1"], ROWS, 0),
        (["query", "sql", "select 1", "-f", "plain"], ROWS, 0),
        (["inspect", "events", "-q"], REFUSED, 3),
        (["server", "start"], ROWS, 0),
        (["query", "sql", "--help"], ROWS, 0),
        (["--help"], ROWS, 0),
        (["completion", "bash", "--", "inspect", ""], ROWS, 0),
        ([], ROWS, 0),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_mp_imports_nothing_heavy(
    words: list[str], script: Script, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, script) as server:
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "MP_HOME": str(server.home.path)},
        )
    found_code, modules = json.loads(ran.stderr.splitlines()[-1])
    assert found_code == code, ran.stderr
    assert HEAVY.intersection(modules) == set()
    assert "shutil" not in modules
    # What only some commands need is paid by them.
    assert "server" in words or "pathlib" not in modules
