"""The simulator, the foreign clients beside it, and a table of what passed.

Never collects a test unless MP_TEST_CLIENTS is set: the clients are installed first, which takes
the network and some minutes.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.demo.running import Running, simulator
from tests.clients.environments import client_environ, client_python

if not os.environ.get("MP_TEST_CLIENTS"):
    collect_ignore_glob = ["test_*.py"]

Client = Callable[[dict[str, Any]], Any]

OUTCOMES = pytest.StashKey[list[tuple[str, str, str]]]()


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """A story whose days the calls know."""
    with simulator(days=10, events_per_day=120, last_day="2025-03-31") as found:
        yield found


@pytest.fixture(scope="session")
def headless(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Make a call of mixpanel-headless; its modules are loaded once."""
    script = Path(__file__).with_name("headless_calls.py")
    environ = client_environ(tmp_path_factory.mktemp("home"), **running.environ(), MP_REGION="us")
    child = subprocess.Popen(
        [client_python("headless"), script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
        text=True,
        encoding="utf-8",
    )

    def call(what: dict[str, Any]) -> Any:
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps(what) + "\n")
        child.stdin.flush()
        answer: dict[str, Any] = json.loads(child.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    with child:
        yield call


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember what each test was about and whether it passed."""
    if call.when == "call" or call.excinfo is not None:
        name, _, parameters = item.name.partition("[")
        client = "tap-mixpanel" if "tap" in item.nodeid else "mixpanel-headless"
        title = parameters.rstrip("]") or name.removeprefix("test_").replace("_", " ")
        passed = "no" if call.excinfo else "yes"
        item.config.stash.setdefault(OUTCOMES, []).append((client, title, passed))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table: client, call, whether it passes."""
    if OUTCOMES not in config.stash:
        return
    outcomes = config.stash[OUTCOMES]
    for row in (("client", "call", "passes"), *sorted(outcomes)):
        terminalreporter.write_line(f"{row[0]:18} | {row[1]:84} | {row[2]}")
