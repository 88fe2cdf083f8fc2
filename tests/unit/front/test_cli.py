"""`mp` from words to stdout, stderr and exit code, against a server of canned answers."""

import json
import os
import signal
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest

from mp_mcp.errors import MpError
from mp_mcp.front import render
from mp_mcp.front.cli import main
from tests.unit.front.fake_server import Message, Peer, answers, serving, state_folder

ROWS: Message = {"columns": ["event", "n"], "rows": [["Signup", 3], ["Login", 5]], "row_count": 2}
Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    "words",
    [
        ["query", "sql", "select 1"],
        ["-f", "json", "query", "sql", "select 1"],
        ["query", "--format", "json", "sql", "select 1"],
        ["query", "sql", "-f", "json", "select 1"],
        ["query", "sql", "select 1", "-f", "csv", "-f", "json"],
    ],
)
def test_the_format_may_stand_anywhere(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with serving(monkeypatch, answers(ROWS)):
        assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == ROWS


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("json", json.dumps(ROWS) + "\n"),
        ("jsonl", '{"event": "Signup", "n": 3}\n{"event": "Login", "n": 5}\n'),
        ("csv", "event,n\nSignup,3\nLogin,5\n"),
        ("plain", "Signup\t3\nLogin\t5\n"),
        ("table", "event    n\n──────────\nSignup   3\nLogin    5\n"),
    ],
)
def test_each_format_has_its_shape(
    chosen: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with serving(monkeypatch, answers(ROWS)):
        assert main(["inspect", "events", "-f", chosen]) == 0
    assert capsys.readouterr().out == expected


def test_arguments_travel_by_kind_and_only_when_given(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    words = "query segmentation -e Signup --from 2025-01-01 --to 2025-01-31 -l 7 -t unique"
    with serving(monkeypatch, answers(ROWS)) as server:
        assert main(words.split()) == 0
        [call] = server.calls
    assert call["name"] == "query_segmentation"
    assert call["arguments"] == {
        "event": "Signup",
        "from_date": "2025-01-01",
        "to_date": "2025-01-31",
        "limit": 7,
        "type": "unique",
    }


def test_account_and_project_travel_in_the_greeting(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with serving(monkeypatch, answers(ROWS)) as server:
        main(["-a", "work", "inspect", "events", "--project", "42"])
        [greeting] = server.greetings
    assert greeting["asking"] == {"account": "work", "project_id": "42", "lock_wait_s": 5.0}


def test_sql_comes_from_stdin_for_a_dash(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("select 2\n"))
    with serving(monkeypatch, answers(ROWS)) as server:
        assert main(["query", "sql", "-"]) == 0
        assert server.calls[0]["arguments"] == {"sql": "select 2\n"}


def test_sql_comes_from_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    path = tmp_path / "q.sql"
    path.write_text("select 'ä'", encoding="utf-8")
    with serving(monkeypatch, answers(ROWS)) as server:
        assert main(["query", "sql", "-F", str(path)]) == 0
        assert server.calls[0]["arguments"] == {"sql": "select 'ä'"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["query", "sql"], "Missing argument SQL"),
        (["query", "sql", "select 1", "--file", "x"], "not both"),
        (["query", "sql", "--file", "/no/such"], "cannot be read"),
        (["query", "segmentation", "--from", "x", "--to", "y"], "--event"),
        (["query", "sql", "x", "--limit", "ten"], "not a valid integer"),
        (["inspect", "events", "extra"], "extra"),
    ],
)
def test_a_wrong_command_line_is_told_in_two_lines(
    words: list[str], message: str, capsys: Captured
) -> None:
    assert main(words) == 3
    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint: ")


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["qurey"], "query"),
        (["query", "sqll"], "sql"),
        (["query", "sql", "--limt", "1"], "--limit"),
    ],
)
def test_the_closest_name_is_suggested(words: list[str], near: str, capsys: Captured) -> None:
    assert main(words) == 3
    assert f"hint: Did you mean {near}?" in capsys.readouterr().err


def test_one_value_is_printed_bare(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    one = {"columns": ["n"], "rows": [["über"]], "row_count": 1}
    with serving(monkeypatch, answers(one)):
        assert main(["query", "sql", "-s", "select 1"]) == 0
    assert capsys.readouterr().out == "über\n"


def test_several_values_are_not_one(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with serving(monkeypatch, answers(ROWS)):
        assert main(["query", "sql", "--scalar", "select 1"]) == 3
    assert capsys.readouterr().out == ""


def _all_errors() -> list[type[MpError]]:
    pending, found = [MpError], []
    while pending:
        error = pending.pop()
        found.append(error)
        pending.extend(error.__subclasses__())
    return [error for error in found if error.__module__ == "mp_mcp.errors"]


@pytest.mark.parametrize("kind", _all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_two_lines_and_its_exit_code(
    kind: type[MpError], monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    info = kind("It went\nwrong.", hint="Call query_sql.").info().as_dict()
    with serving(monkeypatch, answers(info, is_error=True)):
        assert main(["inspect", "events", "--format", "json"]) == kind.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: It went wrong.\nhint: Call `mp query sql`.\n"


def test_a_cut_answer_is_told_on_stderr(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    cut = {**ROWS, "truncated": True, "hint": "Narrow it, or use fetch_events."}
    with serving(monkeypatch, answers(cut)):
        assert main(["inspect", "events"]) == 0
        told = capsys.readouterr().err
        assert main(["inspect", "events", "--quiet"]) == 0
        assert capsys.readouterr().err == ""
    assert "showing the first 2 rows" in told
    assert "hint: Narrow it, or use `mp fetch events`." in told


def test_verbose_names_the_server(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with serving(monkeypatch, answers(ROWS)):
        assert main(["inspect", "events", "--verbose"]) == 0
    assert f"server pid {os.getpid()}" in capsys.readouterr().err


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    thread = threading.main_thread().ident
    assert thread is not None
    last: list[Message | None] = []

    def slow(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        signal.pthread_kill(thread, signal.SIGINT)
        last.append(peer.hear())

    with serving(monkeypatch, slow):
        assert main(["inspect", "events"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_bug_of_ours_is_one_line_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with serving(monkeypatch, answers({"columns": ["a"], "rows": [7]})) as server:
        assert main(["inspect", "events", "-f", "csv"]) == 1
        assert "Traceback" in (server.home.logs / "mp-crash.log").read_text(encoding="utf-8")
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: mp has a bug (TypeError")


def test_a_crash_report_holds_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("bad header: Basic s3cret, Bearer t0ken")

    monkeypatch.setattr(render, "show", crash)
    with serving(monkeypatch, answers(ROWS)) as server:
        monkeypatch.setenv("MP_SECRET", "s3cret")
        monkeypatch.setenv("MP_OAUTH_TOKEN", "t0ken")
        assert main(["inspect", "events"]) == 1
        report = (server.home.logs / "mp-crash.log").read_text(encoding="utf-8")
    said = capsys.readouterr().err
    assert "bad header" in report
    assert "bad header" in said
    for secret in ("s3cret", "t0ken"):
        assert secret not in report + said


FIRST_STEPS = ("mp auth login", "mp demo", "mp doctor")
LATER_STEPS = ("mp status", "mp history -f")


@pytest.mark.parametrize(
    ("file", "shown", "hidden"),
    [
        (None, FIRST_STEPS, LATER_STEPS),
        ("mp.toml", LATER_STEPS, FIRST_STEPS),
        ("config.toml", LATER_STEPS, FIRST_STEPS),
    ],
)
def test_without_words_five_lines_show_the_way(
    file: str | None,
    shown: tuple[str, ...],
    hidden: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    with state_folder(monkeypatch) as home:
        if file:
            (home.path / file).touch()
        assert main([]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) == 5
    for words in (*shown, "mp --help", "mp fetch events", "mp query sql"):
        assert words in text
    assert not any(words in text for words in hidden)


@pytest.mark.parametrize("words", [["--version"], ["query", "sql", "--version"]])
def test_the_version_is_known_everywhere(words: list[str], capsys: Captured) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out == "mp 0.1.0\n"


def test_a_group_alone_shows_its_help(capsys: Captured) -> None:
    assert main(["query"]) == 0
    assert "segmentation" in capsys.readouterr().out


def test_files_are_sent_with_absolute_paths(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(monkeypatch, answers({"rows": 3})) as server:
        assert main(["load", "a.jsonl", "/b.jsonl", "--table", "t"]) == 0
        found = server.calls[0]["arguments"]
    assert found == {"files": [str(tmp_path / "a.jsonl"), "/b.jsonl"], "table": "t"}


def test_a_malformed_setting_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with state_folder(monkeypatch):
        monkeypatch.setenv("MP_LOCK_WAIT", "soon")
        assert main(["inspect", "events"]) == 3
    assert "MP_LOCK_WAIT" in capsys.readouterr().err
