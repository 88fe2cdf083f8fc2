"""`mp` as a process: at a terminal, in a pipe that closes, and with streams that are odd."""

import json
import os
import subprocess
import sys

import pytest

from tests.unit.front.at_terminal import CTRL_C, CTRL_D, on_terminal
from tests.unit.front.fake_server import Message, answers, serving, state_folder

ROWS: Message = {"columns": ["event", "n"], "rows": [["Signup", 3], ["Login", 5]], "row_count": 2}


@pytest.mark.parametrize("words", [["--help"], ["inspect", "events"]])
def test_a_reader_that_wants_no_more_is_no_error(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, answers({"columns": ["a"], "rows": [["x" * 200]] * 5000})) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "mp_mcp", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "MP_HOME": str(server.home.path)},
        )
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        told = process.stderr.read()
        process.stderr.close()
        assert process.wait(30) == 0
    assert told == b""


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, answers(ROWS)) as server:
        code, seen = on_terminal(server.home.path, "inspect", "events")
    table = "event    n\n──────────\nSignup   3\nLogin    5\n"
    chart, _, shown = seen.partition("\n\n")
    assert (code, shown) == (0, table)
    assert [line.strip(" █") for line in chart.split("\n")] == ["Signup  3", "Login   5"]


def test_json_on_a_terminal_has_one_line_per_row(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, answers(ROWS)) as server:
        code, seen = on_terminal(server.home.path, "inspect", "events", "-f", "json")
    assert code == 0
    assert json.loads(seen) == ROWS
    assert '    ["Signup", 3],\n' in seen


def test_login_at_a_terminal_hides_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = {"columns": ["project_id", "name"], "rows": [["1", "Shop"], ["2", "Blog"]]}
    with serving(monkeypatch, answers(reached)) as server:
        words = ["auth", "login", "--username", "u", "--region", "us"]
        code, seen = on_terminal(server.home.path, *words, typed=("t0p-s3cret", "2"))
        stored = server.home.config.read_text(encoding="utf-8")
    assert code == 0
    assert 'project_id = "2"' in stored
    assert 'secret = "t0p-s3cret"' in stored
    assert "1  Shop" in seen
    assert "t0p" not in seen


def test_login_asks_again_for_what_it_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = {"columns": ["project_id", "name"], "rows": [["1", "Shop"], ["2", "Blog"]]}
    with serving(monkeypatch, answers(reached)) as server:
        typed = ("", " u ", "", "t0p-s3cret", "3", "2")
        words = ["auth", "login", "--region", "us", "--store", "file"]
        code, seen = on_terminal(server.home.path, *words, typed=typed)
        stored = server.home.config.read_text(encoding="utf-8")
    assert code == 0
    assert 'username = "u"' in stored
    assert seen.count("Service account username: ") == 2
    assert seen.count("Secret: ") == 2
    assert "3 is not one of 1, 2" in seen
    assert "t0p" not in seen


def test_questions_are_not_a_part_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = {"columns": ["project_id", "name"], "rows": [["1", "Shop"]]}
    with serving(monkeypatch, answers(reached)) as server:
        output = server.home.path / "output"
        with output.open("wb") as file:
            words = ["auth", "login", "--region", "us", "--store", "file", "-f", "json"]
            code, seen = on_terminal(
                server.home.path, *words, typed=("u", "t0p-s3cret"), stdout=file.fileno()
            )
        assert code == 0
        assert json.loads(output.read_text(encoding="utf-8"))["username"] == "u"
    assert "Service account username: " in seen
    assert "Secret: " in seen


@pytest.mark.parametrize("typed", [(CTRL_C,), (CTRL_D,), ("u", CTRL_C), ("u", CTRL_D)])
def test_leaving_a_question_stores_nothing_and_is_an_interrupt(
    typed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with state_folder(monkeypatch) as home:
        code, seen = on_terminal(home.path, "auth", "login", typed=typed)
        assert not home.config.exists()
    assert code == 130
    assert seen.endswith("\ninterrupted\n")
    assert "Traceback" not in seen


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">/dev/full"])
def test_odd_streams_cause_no_traceback(redirection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, answers(ROWS)) as server:
        ran = subprocess.run(
            ["/bin/sh", "-c", f"{sys.executable} -m mp_mcp inspect events {redirection}"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "MP_HOME": str(server.home.path)},
        )
    assert ran.returncode == (1 if "full" in redirection else 0)
    assert "Traceback" not in ran.stderr
    assert "bug" not in ran.stderr
