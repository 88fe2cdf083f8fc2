"""Calls on a screen: short, on one line each, and with nothing that a terminal would obey."""

import json
from typing import Any

import pytest

from mp_mcp.front import calls_shown, status_screen
from mp_mcp.front.flags import Flags

CALL: dict[str, Any] = {
    "id": 7,
    "when": "2025-03-01T10:00:00Z",
    "client": "mp-mcp pid 5",
    "program": "Claude Code",
    "by": "agent",
    "tool": "query_sql",
    "arguments": {"sql": "SELECT 1,\n  '\x1b[31mred'", "limit": 5, "detach": True},
    "complete": True,
    "seconds": 0.25,
    "rows": 1,
    "units": 2,
    "cached": True,
    "outcome": "ok",
    "message": None,
    "job": None,
    "project": "1001",
}


@pytest.fixture
def plain() -> Flags:
    flags = Flags()
    flags.format = "plain"
    return flags


def test_a_call_is_followed_on_one_line_with_what_it_cost(plain: Flags) -> None:
    line = calls_shown.line(CALL, plain)
    assert line.count("\n") == 1
    assert "mp-mcp pid 5 (Claude Code)" in line
    assert "query sql SELECT 1, '\\x1b[31mred' limit=5" in line
    assert line.endswith("  (250 ms, 1 row, 2 units) ok, cached\n")
    assert "detach" not in line


def test_a_program_gets_the_call_as_it_is() -> None:
    assert json.loads(calls_shown.line(CALL, Flags())) == CALL
    listed = calls_shown.listed([CALL], Flags())
    assert dict(zip(listed["columns"], listed["rows"][0], strict=True)) == CALL


def test_one_call_is_shown_with_its_sql_line_by_line() -> None:
    text = calls_shown.in_full(CALL | {"complete": False})
    assert "SELECT 1,\n  '\\x1b[31mred'\n" in text
    assert 'arguments  {"limit": 5, "detach": true}' in text
    assert "left out" in text


def test_a_call_of_an_unknown_tool_is_shown_too(plain: Flags) -> None:
    assert "invented_tool x=1" in calls_shown.line(
        CALL | {"tool": "invented_tool", "arguments": {"x": 1}}, plain
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0004, "0 ms"), (0.25, "250 ms"), (9.96, "10.0 s"), (150, "2 min"), (9000, "2 h 30 min")],
)
def test_durations_are_words(seconds: float, words: str) -> None:
    assert calls_shown.spoken(seconds) == words


def test_the_status_is_one_screen_whatever_there_is() -> None:
    client = {"client": "mp-mcp pid 5", "program": None, "by": "agent", "calls": 0}
    table = {"name": "t", "kind": "saved", "rows": 1, "columns": 2, "first_day": None}
    database = {
        "path": "/x/1.db",
        "state": "open",
        "size_bytes": 2_000_000,
        "running": 1,
        "waiting_reads": 0,
        "waiting_writes": 3,
        "tables": [table] * 50,
    }
    budget = {"api": "query", "project": "us/1", "used": 60, "limit": 60, "left": 0, "running": 0}
    running = {key: CALL[key] for key in ("client", "program", "tool", "arguments")}
    found = {
        "running": True,
        "pid": 1,
        "version": "0.1.0",
        "uptime_s": 5,
        "memory_bytes": 123_456_789,
        "state": "file",
        "here": {"project_id": "1001", "account": "work", "home": "/x", "source": "account work"},
        "connected": [client] * 50,
        "calls": [running | {"id": "7", "elapsed_s": 3.2}],
        "jobs": [],
        "databases": [database],
        "budgets": [budget | {"window_s": 3600, "next_free_s": 90}] * 50,
    }
    text = status_screen.text(found)
    assert len(text.splitlines()) <= 50
    for part in ("memory 123 MB", "7 ", "3.2 s", "SELECT 1,", "3 writes", "0 of 60 left", "90.0 s"):
        assert part in text, text
    assert "\x1b" not in text
