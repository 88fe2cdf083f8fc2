"""`mp server ...`: never starts a server that was only asked about."""

import json

import pytest

from mp_mcp.front.admin import followed, place_in
from mp_mcp.front.cli import main
from mp_mcp.server import lease
from tests.unit.front.fake_server import FakeServer, Peer, serving, state_folder

Captured = pytest.CaptureFixture[str]


def test_no_server_is_a_state_not_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        assert main(["server", "status", "-f", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"running": False}
        assert main(["server", "stop", "-f", "plain"]) == 0
        assert capsys.readouterr().out == "no server was running\n"
        assert not lease.is_held(home)


def test_start_says_who_runs(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def greeting(peer: Peer) -> None:
        peer.greet(pid=77)

    with serving(monkeypatch, greeting):
        assert main(["server", "start", "-f", "table"]) == 0
    assert capsys.readouterr().out == "server running, pid 77\n"


def test_status_shows_what_the_server_says(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    found = {"running": True, "pid": 77, "clients": ["mp pid 1"]}

    def telling(peer: Peer) -> None:
        peer.greet()
        request = peer.hear()
        assert request is not None
        assert request["method"] == "mp/status"
        peer.tell(id=request["id"], result=found)

    with serving(monkeypatch, telling):
        assert main(["server", "status"]) == 0
    assert json.loads(capsys.readouterr().out) == found


def test_stop_returns_when_the_lock_is_free(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    servers: list[FakeServer] = []

    def stopping(peer: Peer) -> None:
        peer.greet(pid=77)
        request = peer.hear()
        assert request is not None
        assert request["method"] == "mp/stop"
        peer.tell(id=request["id"], result={})
        # A client that hangs up has read its answer: only now the server goes.
        peer.hear()
        servers[0].leave()

    with serving(monkeypatch, stopping) as server:
        servers.append(server)
        assert main(["server", "stop"]) == 0
        assert not lease.is_held(server.home)
    found = json.loads(capsys.readouterr().out)
    assert found == {"running": False, "stopped": True, "pid": 77}


def test_logs_shows_the_last_lines(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with state_folder(monkeypatch) as home:
        assert main(["server", "logs"]) == 0
        home.server_log.write_text("one\ntwo\nthree\n", encoding="utf-8")
        assert main(["server", "logs", "-n", "2"]) == 0
        assert main(["server", "logs", "-n", "1", "--format", "jsonl"]) == 0
    assert capsys.readouterr().out == 'two\nthree\n{"line": "three"}\n'


def test_logs_follows_new_lines_and_rotations(monkeypatch: pytest.MonkeyPatch) -> None:
    with state_folder(monkeypatch) as home:
        log = home.server_log
        log.write_text("old\n", encoding="utf-8")
        lines = followed(log, place_in(log), poll_s=0)
        log.write_text("old\none\ntw", encoding="utf-8")
        assert next(lines) == "one"
        log.write_text("old\none\ntwo\n", encoding="utf-8")
        assert next(lines) == "two"
        log.rename(log.with_suffix(".1"))
        log.write_text("three\n", encoding="utf-8")
        assert next(lines) == "three"
