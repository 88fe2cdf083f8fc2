"""A state folder of its own for each test, whose server is ended and audited afterwards."""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Command, bare_environ, mp
from tests.processes.waiting import wait_until

LAST_DAY = "2025-03-10"


@contextmanager
def state_folder() -> Iterator[Home]:
    """An empty state folder; what runs in it at the end is stopped in the proper way."""
    with audited_home() as found:
        yield found


@contextmanager
def audited_home() -> Iterator[Home]:
    """The same for those who want one for longer than a test."""
    path = Path(tempfile.mkdtemp(prefix="mp-"))
    yield Home(path)
    Command.end_unfinished()
    _end_server(Home(path))
    problems = _tracebacks(Home(path))
    shutil.rmtree(path)
    assert not problems, problems


@pytest.fixture
def home() -> Iterator[Home]:
    """A state folder for one test."""
    with state_folder() as found:
        yield found


@pytest.fixture
def offline(home: Home) -> dict[str, str]:
    """Environment of a client with a project, and no way to Mixpanel."""
    return bare_environ() | {"MP_HOME": str(home.path), "MP_PROJECT_ID": "1001"}


@pytest.fixture(scope="session")
def mixpanel() -> Iterator[Running]:
    """One simulated Mixpanel for all tests; a test that sets faults uses up what it set."""
    with simulator(events_per_day=400, days=10, last_day=LAST_DAY) as running:
        yield running


@pytest.fixture
def environ(home: Home, mixpanel: Running) -> dict[str, str]:
    """Environment of a client with an account at the simulated Mixpanel."""
    return bare_environ() | {"MP_HOME": str(home.path)} | mixpanel.environ()


def _end_server(home: Home) -> None:
    pid = lease.server_info(home).get("pid")
    if not lease.is_held(home):
        return
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGCONT)
    mp(bare_environ() | {"MP_HOME": str(home.path)}, "server", "stop")
    if lease.is_held(home):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lease.is_held(home))


def _tracebacks(home: Home) -> list[str]:
    found = []
    for log in home.logs.glob("*"):
        text = log.read_text(encoding="utf-8")
        if "Traceback" in text:
            found.append(text[text.index("Traceback") :][:2000])
    return found


def configure_server(home: Home, **settings: float) -> None:
    """Give the next server of this home other times than the defaults."""
    home.create()
    lines = ["[server]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    home.config.write_text("\n".join(lines), encoding="utf-8")
    home.config.chmod(0o600)
