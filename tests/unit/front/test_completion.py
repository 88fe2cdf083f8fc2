"""`mp completion`: what a shell may offer, from the table alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mp_mcp.front.cli import main
from mp_mcp.front.completion import SCRIPTS, offers

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["ins"], ["inspect"]),
        (["-q", "--format", "json", "ins"], ["inspect"]),
        (["-p", "query", "ins"], ["inspect"]),
        (["query", "segmentation-"], ["average", "numeric", "sum"]),
        (["inspect", "values", "--pro"], ["--property", "--project"]),
        (["inspect", "values", "--lim"], ["--limit"]),
        (["--form"], ["--format"]),
        (["inspect", "events", "--format", "js"], ["json", "jsonl"]),
        (["inspect", "events", "--format", "=", "js"], ["json", "jsonl"]),
        (["inspect", "events", "--format", "="], ["csv", "json", "jsonl", "plain", "table"]),
        (["inspect", "events", "-f", "t"], ["table"]),
        (["inspect", "bookmarks", "--type", "fu"], ["funnels"]),
        (["query", "sql", "SEL"], []),
        (["nonsense", "x"], []),
        (["history", "--cl"], ["--client"]),
        (["history", "re"], ["rerun"]),
        (["cancel", ""], ["job"]),
        (["--nonsense", "ins"], ["inspect"]),
    ],
)
def test_words_flags_and_choices_are_offered(line: list[str], expected: list[str]) -> None:
    prefix = line[-1] if line[-1].endswith("-") else ""
    assert sorted(offers(line)) == sorted(prefix + word for word in expected)


def test_an_empty_word_gets_every_command_and_no_flag() -> None:
    assert {"inspect", "query", "auth", "completion"} <= set(offers([""]))
    assert not any(word.startswith("-") for word in offers([""]))


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert f"mp completion {shell} -- " in capsys.readouterr().out


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 3
    assert "hint: Choose bash, zsh, fish." in capsys.readouterr().err


def test_bash_completes_with_it() -> None:
    program = """
    eval "$(mp completion bash)"
    COMP_WORDS=(mp inspect bookmarks --type f) COMP_CWORD=4
    _mp
    echo "${COMPREPLY[@]}"
    complete -p mp
    """
    ran = subprocess.run(
        ["bash", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
    )
    assert ran.stdout.splitlines() == ["funnels flows", "complete -o default -F _mp mp"]
    assert ran.stderr == ""
