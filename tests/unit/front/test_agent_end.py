import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mp_mcp import __version__
from tests.unit.front.fake_server import PATIENCE_S, Peer, serving
from tests.unit.front.pumped import Pumped, echo

Patch = pytest.MonkeyPatch


def test_the_end_of_stdin_ends_it_and_hangs_up(monkeypatch: Patch) -> None:
    hung_up = threading.Event()

    def script(peer: Peer) -> None:
        echo(peer)
        hung_up.set()

    with serving(monkeypatch, script), Pumped() as pumped:
        pumped.ask(1, "tools/list")
        pumped.hear()
        assert pumped.end() == 0
        assert hung_up.wait(PATIENCE_S)


def test_it_ends_without_ever_having_been_asked(monkeypatch: Patch) -> None:
    with serving(monkeypatch, echo) as server, Pumped() as pumped:
        assert pumped.end() == 0
    assert server.peers == []


def test_what_is_answered_at_once_is_answered_before_the_end(monkeypatch: Patch) -> None:
    with serving(monkeypatch, echo), Pumped() as pumped:
        pumped.ask(1, "tools/list")
        pumped.stdin.close()
        assert pumped.hear()["id"] == 1


def test_it_ends_when_nobody_reads_it_any_more(monkeypatch: Patch) -> None:
    with serving(monkeypatch, echo):
        read_end, write_end = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "mp_mcp.front.agent"],
            stdin=subprocess.PIPE,
            stdout=write_end,
        )
        os.close(read_end)
        os.close(write_end)
        assert process.stdin
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n')
        process.stdin.flush()
        try:
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.stdin.close()


def test_an_interrupt_ends_it_quietly(monkeypatch: Patch) -> None:
    with serving(monkeypatch, echo), Pumped() as pumped:
        pumped.ask(1, "tools/list")
        pumped.hear()
        pumped.process.send_signal(signal.SIGINT)
        assert pumped.process.wait(PATIENCE_S) == 130


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--version"], 0, f"mp-mcp {__version__}"),
        (["--help"], 0, "usage: mp-mcp"),
        (["--dance"], 3, "--dance"),
        (["--project"], 3, "--project"),
    ],
)
def test_its_options_are_few(words: list[str], code: int, text: str) -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "mp-mcp", *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )
    assert (ran.returncode, text in ran.stdout + ran.stderr) == (code, True)
    assert (ran.stdout == "") is bool(code), "stdout is for messages"
