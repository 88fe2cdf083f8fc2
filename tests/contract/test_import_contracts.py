"""Who may import whom: the contracts of pyproject.toml, and what a start really loads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("duckdb", "httpx", "mcp", "mcp_types", "rich")

DISCOVERY = """
import mp_mcp.tools
from mp_mcp.tool import discover
assert "query_sql" in discover(mp_mcp.tools)
"""
SHOW = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"


def loaded_by(program: str) -> set[str]:
    """Names of the modules that are loaded when this program has run."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", program + SHOW],
        capture_output=True,
        text=True,
        timeout=60,
        env=environ,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_the_layers_hold() -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


def test_listing_the_tools_loads_neither_the_database_nor_the_network() -> None:
    assert loaded_by(DISCOVERY).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "module",
    [
        "mp_mcp.front.agent",
        "mp_mcp.front.greet",
        "mp_mcp.server.lease",
        "mp_mcp.settings",
        "mp_mcp.errors",
    ],
)
def test_what_the_pump_needs_is_in_the_standard_library(module: str) -> None:
    before = loaded_by("")
    names = {name.partition(".")[0] for name in loaded_by(f"import {module}") - before}
    assert names <= {"mp_mcp", "__mp_main__", *sys.stdlib_module_names}


def test_the_pump_loads_nothing_slow_of_the_standard_library() -> None:
    slow = {"asyncio", "logging", "subprocess", "tomllib", "argparse", "ssl", "urllib.request"}
    assert loaded_by("import mp_mcp.front.agent").isdisjoint(slow)


def test_the_servers_process_listens_before_anything_heavy_is_loaded() -> None:
    loaded = loaded_by("import mp_mcp.server.__main__")
    assert loaded.isdisjoint({*HEAVY, "pydantic", "anyio", "asyncio"})


def test_no_module_postpones_its_annotations() -> None:
    postponed = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "mp_mcp").rglob("*.py")
        if "from __future__ import annotations" in path.read_text(encoding="utf-8")
    ]
    assert postponed == [], "annotations are read at run time"


def test_only_settings_and_what_starts_processes_read_the_environment() -> None:
    readers = {
        path.relative_to(ROOT / "mp_mcp").as_posix()
        for path in (ROOT / "mp_mcp").rglob("*.py")
        if "os.environ" in path.read_text(encoding="utf-8")
        or "os.getenv" in path.read_text(encoding="utf-8")
    }
    readers = {name for name in readers if not name.startswith(("demo/", "front/"))}
    # The lease hands a list of names on to the server that it starts; the server reads MP_LOG.
    assert readers == {"settings.py", "server/lease.py", "server/logs.py"}
