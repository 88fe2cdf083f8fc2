import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mp_mcp.server import processes
from mp_mcp.server.processes import Presence, StoppedFor
from mp_mcp.settings import Home
from tests.processes.waiting import wait_until

HOLDER = """
import sys
from mp_mcp.server.processes import Presence
from mp_mcp.settings import Home
kept = Presence(Home(sys.argv[1]))
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that waits to be told to end."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as running:
        yield running
        running.send_signal(signal.SIGCONT)


def test_a_stopped_process_is_seen_and_a_continued_one_is_not(
    child: "subprocess.Popen[bytes]",
) -> None:
    assert not processes.is_stopped(child.pid)
    child.send_signal(signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(child.pid))
    child.send_signal(signal.SIGCONT)
    wait_until(lambda: not processes.is_stopped(child.pid))


def test_a_process_that_is_not_there_is_not_stopped() -> None:
    assert not processes.is_stopped(2**22 + 1)


@pytest.mark.parametrize(("state", "stopped"), [("T+", True), ("S", False), ("", False)])
def test_where_there_is_no_proc_ps_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, stopped: bool
) -> None:
    ps = tmp_path / "ps"
    ps.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/asked\necho "{state}"\n')
    ps.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(processes, "PROC", "/nowhere")
    assert processes.is_stopped(4711) is stopped
    assert (tmp_path / "asked").read_text() == "-o stat= -p 4711\n"


def test_where_nothing_tells_nobody_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(processes, "PROC", "/nowhere")
    assert not processes.is_stopped(os.getpid())


def test_the_time_of_one_process_is_not_that_of_another(
    child: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOOK_S", 0.0)
    child.send_signal(signal.SIGSTOP)
    stopped = StoppedFor()
    wait_until(lambda: stopped.seconds(child.pid) > 0)
    assert stopped.seconds(os.getpid()) == 0
    assert stopped.seconds(child.pid) == 0, "from the beginning"


def test_a_process_that_serves_itself_is_known_until_it_ends_or_is_killed(home: Home) -> None:
    ours = Presence(home)
    assert processes.embedded(home) == {os.getpid()}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"here\n"
        assert processes.embedded(home) == {os.getpid(), other.pid}
        other.kill()
        other.wait()
        assert processes.embedded(home) == {os.getpid()}
    ours.end()
    ours.end()
    assert processes.embedded(home) == set()
    assert list(home.run.glob("embedded-*")) == []


def test_where_nothing_can_be_written_nobody_is_known(home: Home) -> None:
    nowhere = Home(home.path / "never" / "made")
    Presence(nowhere).end()
    assert processes.embedded(nowhere) == set()
