"""Each example is run as its reader would run it, against the simulated Mixpanel."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mp_mcp.demo.running import Running
from mp_mcp.front import commands, topics
from mp_mcp.front.parse import parse
from tests.processes.agents import BIN, PATIENCE_S, Agent, bare_environ, mp

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PLACEHOLDER = "/absolute/path/to/mp_mcp/.venv/bin"
SETTINGS = {"MP_USERNAME", "MP_SECRET", "MP_PROJECT_ID", "MP_REGION"}
RANGE = ("--from", "2025-03-08", "--to", "2025-03-10")


def text_of(name: str) -> str:
    """An example, with the path that its reader writes for the placeholder."""
    return (EXAMPLES / name).read_text(encoding="utf-8").replace(PLACEHOLDER, str(BIN))


def run(environ: Mapping[str, str], *command: str | Path) -> str:
    """What it prints; it has to end well and silently."""
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S * 2, env=dict(environ)
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def hosts(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The servers that a host's configuration names."""
    found = list(config["mcpServers"].values())
    assert found
    return found


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a page."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text_of(name), re.DOTALL)
    assert found
    return found


def lines(name: str) -> list[str]:
    """The lines that a page tells its reader to type."""
    return [line for block in blocks(name, "sh") for line in block.splitlines()]


def test_every_example_is_run_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    others = (ROOT / "tests").rglob("test_*.py")
    told = here + "".join(p.read_text(encoding="utf-8") for p in others)
    names = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert {name for name in names if name not in told} == set()


def test_hosts_are_told_commands_that_start_an_agent(environ: dict[str, str]) -> None:
    servers = [
        *hosts(json.loads(text_of("claude_desktop.json"))),
        *hosts(json.loads(text_of("cursor.json"))),
        *hosts(json.loads(blocks("claude_code.md", "json")[0])),
    ]
    told = [line for line in lines("claude_code.md") if line.startswith("claude mcp add ")]
    servers += [{"command": command} for _, _, command in (line.partition(" -- ") for line in told)]
    assert len(servers) == 4
    for server in servers:
        assert {*server} <= {"command", "args", "env"}
        assert {*server.get("env", {})} <= SETTINGS
        command = [*shlex.split(server["command"]), *server.get("args", [])]
        with Agent(server.get("env", {}) | environ, command=command) as agent:
            assert agent.call("inspect_workspace")["project"] == "1001"


def test_the_inspector_is_told_commands_that_run(offline: dict[str, str]) -> None:
    words = [shlex.split(line) for line in lines("inspector.md")]
    inspected = [line for line in words if line[0] == "npx"]
    assert len(inspected) == 3
    assert all(str(BIN / "mp-mcp") in line for line in inspected)
    _, listing, calling = inspected
    with Agent(offline) as agent:
        tools = agent.request(listing[listing.index("--method") + 1])["tools"]
        assert calling[calling.index("--method") + 1] == "tools/call"
        assert calling[calling.index("--tool-name") + 1] in {tool["name"] for tool in tools}
    assert [str(BIN / "python"), "-m", "mp_mcp.demo.simulator"] in words


def test_pages_show_only_commands_of_mp_that_exist() -> None:
    shown = [line for line in lines("claude_code.md") if line.startswith("mp ")]
    assert shown
    for line in shown:
        words = shlex.split(line)[1:]
        assert parse(words, lambda words: commands.find(words, lambda *_: None)).command.run


def test_an_agent_and_a_human_collide_calmly(tmp_path: Path) -> None:
    said = run(bare_environ() | {"TMPDIR": "/tmp"}, "/bin/sh", EXAMPLES / "agent_and_human.sh")
    agent, human = (re.findall(rf"^  {who}: (\d+) rows$", said, re.M) for who in ("agent", "human"))
    assert len(agent) == 3
    assert len(human) == 4
    assert human[0] == "2561"
    assert agent[2] == human[3], "the table that the agent saved is not the one the human read"
    assert said.endswith("Nobody met a lock.\n")


def test_a_notebook_reads_a_snapshot_while_the_server_is_busy_and_the_file_when_it_is_not(
    environ: dict[str, str], mixpanel: Running
) -> None:
    reader = (sys.executable, EXAMPLES / "notebook_reader.py", "SELECT count(*) FROM events")
    mp(environ, "fetch", "events", *RANGE)
    events = mixpanel.truth(from_date=RANGE[1], to_date=RANGE[3])["events"]
    found, count = run(environ, *reader).splitlines()
    assert (found, count) == ("from a snapshot: the server is using the file", str(events))
    mp(environ, "server", "stop")
    found, count = run(environ, *reader).splitlines()
    assert (found, count) == ("from the file itself", str(events))


def test_a_tool_is_added_by_one_function() -> None:
    said = run(os.environ, sys.executable, EXAMPLES / "add_a_tool.py")
    assert "MCP tool   query_busiest_days, read-only: True\n" in said
    answer = json.loads(said.partition("answer ")[2])
    assert answer["columns"] == ["day", "events"]
    assert answer["rows"] == [["2025-01-01", 56], ["2025-01-02", 6]]


def test_the_sql_of_the_help_pages_runs(environ: dict[str, str]) -> None:
    mp(environ, "fetch", "events", *RANGE)
    mp(environ, "save", "table", "buyers", "SELECT DISTINCT distinct_id FROM events")
    ran = 0
    for topic in topics.TOPICS:
        for line in re.findall(r"^  (mp query sql .*)$", topics.text_of(topic), re.MULTILINE):
            found = mp(environ, *shlex.split(line)[1:])
            assert found.code == 0, (line, found)
            ran += 1
    assert ran >= 10
