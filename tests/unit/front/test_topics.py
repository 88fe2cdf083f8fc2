"""`mp help TOPIC`: pages that are there, fit a terminal, and name only commands that exist."""

import re
import shlex
from pathlib import Path

import pytest

from mp_mcp.front import commands, topics
from mp_mcp.front.cli import main
from mp_mcp.front.parse import parse

FOLDER = Path(topics.__file__).parent


def examples(topic: str) -> list[str]:
    """Commands on lines of their own, without the explanation two spaces behind them."""
    lines = re.findall(r"^  (mp .*)$", topics.text_of(topic), re.MULTILINE)
    return [re.split(r"  +", line)[0] for line in lines]


@pytest.mark.parametrize("topic", topics.TOPICS)
def test_a_page_is_short_and_fits_a_terminal(
    topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", topic]) == 0
    text = capsys.readouterr().out
    assert text == topics.text_of(topic)
    assert 10 < len(text.splitlines()) < 45
    # A command is one line, to be copied.
    assert all(len(line) <= 80 for line in text.splitlines() if not line.startswith("  mp "))


@pytest.mark.parametrize("topic", topics.TOPICS)
def test_a_page_shows_only_commands_that_exist(topic: str) -> None:
    assert examples(topic)
    for line in examples(topic):
        meant = parse(shlex.split(line)[1:], lambda words: commands.find(words, lambda *_: None))
        assert meant.command.run is not None, line


def test_every_page_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    listed = re.findall(r"^  mp help (\w+)", capsys.readouterr().out, re.MULTILINE)
    assert listed == list(topics.TOPICS)
    assert {path.stem for path in FOLDER.glob("*.txt")} == {*listed}


def test_another_topic_is_refused_with_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "date"]) == 3
    assert capsys.readouterr().err == "error: No such topic: date\nhint: Did you mean dates?\n"


def test_a_topic_is_completed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fish", "--", "help", "p"]) == 0
    assert capsys.readouterr().out.split() == ["properties", "pairing"]
