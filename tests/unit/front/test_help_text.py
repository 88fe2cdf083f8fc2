"""Help fits its terminal, and stays readable."""

import pytest

from mp_mcp.front import commands
from mp_mcp.front.command import Argument, Command
from mp_mcp.front.flags import Option
from mp_mcp.front.help_text import help_of

COPY = Command(
    words=("copy",),
    help="Copy rows.\n\n    It copies, and when it has copied all the rows it ends; see also\n"
    "    `mp copy-all`.",
    arguments=(Argument("source", "FROM", "Where they are  [default here]", required=False),),
    options=(
        Option("mode", ("-m", "--mode"), "How", "[fast|safe|slow|careful]", required=True),
        Option("dry", ("--dry",), "Only look"),
    ),
    run=lambda *_: None,
    example="mp copy here --dry",
)


def test_a_command_is_explained_from_its_usage_to_the_flags_that_all_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "62")
    expected = """\
Usage: mp copy [OPTIONS] [FROM]

  Copy rows.

  It copies, and when it has copied all the rows it ends;
  see also `mp copy-all`.

  Example:
    mp copy here --dry

Arguments:
  [FROM]  Where they are  [default here]

Options:
  -m, --mode [fast|safe|slow|careful]
                                  How  [required]
  --dry                           Only look
  --help                          Show this help.

  Also: -f/--format, -q, -v, -a/--account, -p/--project,
  --fresh; see `mp --help`.
"""
    assert help_of(COPY) == expected


@pytest.mark.parametrize(("columns", "widest"), [("200", 98), ("102", 98), ("70", 68), ("9", 50)])
def test_help_is_as_wide_as_the_terminal_but_never_wider_than_one_can_read(
    columns: str, widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = help_of(commands.find(("query",), lambda *_: None))
    longest = max(map(len, text.splitlines()))
    assert widest - 15 < longest <= widest


def test_letters_that_a_command_has_itself_are_not_promised_for_all() -> None:
    text = help_of(commands.find(("inspect", "values"), lambda *_: None))
    assert "-p, --property" in text
    assert "-a/--account, --project" in text
