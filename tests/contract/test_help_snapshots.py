"""The help of every command, as reviewed text. UPDATE_SNAPSHOTS=1 rewrites it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mp_mcp.front import commands
from mp_mcp.front.cli import main

FOLDER = Path(__file__).parent / "snapshots" / "help"


def _paths(words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    members = commands.find(words, lambda *_: None).members
    return [words, *(path for word, _ in members for path in _paths((*words, word)))]


PATHS = _paths()


@pytest.mark.parametrize("words", PATHS, ids=lambda words: " ".join(("mp", *words)))
def test_the_help_is_as_reviewed(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "102")
    assert main([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    path = FOLDER / ("-".join(("mp", *words)) + ".txt")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(out, encoding="utf-8")
    assert out == path.read_text(encoding="utf-8"), "run with UPDATE_SNAPSHOTS=1 and review"
    assert err == ""
    assert max(map(len, out.splitlines())) <= 102


def test_no_snapshot_is_left_of_a_command_that_is_gone() -> None:
    known = {"-".join(("mp", *words)) for words in PATHS}
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for path in FOLDER.glob("*.txt"):
            if path.stem not in known:
                path.unlink()
        return
    assert {path.stem for path in FOLDER.glob("*.txt")} == known


def test_the_package_is_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mp_mcp", "--version"], capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "mp 0.1.0\n", "")
