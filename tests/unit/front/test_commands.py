"""The command tree: built from rows of the table, one command at a time."""

import shlex
from io import StringIO
from typing import Any

import pytest

from mp_mcp.errors import UsageError
from mp_mcp.front import commands, tool_command
from mp_mcp.front.command import Command
from mp_mcp.front.flags import EVERYWHERE, Flags
from mp_mcp.front.generate import table
from mp_mcp.front.parse import parse


class _Ran:
    """What was run: arguments of tools, and the project that they were called with."""

    def __init__(self) -> None:
        self.arguments: list[dict[str, Any]] = []
        self.projects: list[str | None] = []

    def __call__(self, flags: Flags, _: str, arguments: dict[str, Any], __: bool) -> None:
        self.arguments.append(arguments)
        self.projects.append(flags.project)


def _obey(ran: _Ran, *words: str) -> None:
    meant = parse(words, lambda words: commands.find(words, ran))
    assert meant.command.run
    meant.command.run(meant.flags, meant.values)


def _leaves(words: tuple[str, ...] = ()) -> dict[tuple[str, ...], Command]:
    found = commands.find(words, _Ran())
    own = {words: found} if found.run else {}
    return own | {
        path: leaf for word, _ in found.members for path, leaf in _leaves((*words, word)).items()
    }


def test_every_tool_and_every_hand_written_command_is_reached() -> None:
    reached = set(_leaves())
    assert reached == {tuple(row["words"]) for row in table().values()} | set(commands.BY_HAND)


def test_every_command_knows_its_words_and_explains_itself() -> None:
    for words, command in _leaves().items():
        assert command.words == words
        assert command.help.strip()
        assert all(argument.help for argument in command.arguments), words
        assert all(option.help for option in command.options), words


def test_no_command_has_one_spelling_twice() -> None:
    for words, command in _leaves().items():
        spellings = [spelling for option in command.options for spelling in option.spellings]
        assert len(spellings) == len(set(spellings)), words


def test_no_command_hides_the_help_or_the_version() -> None:
    for words, command in _leaves().items():
        spellings = {spelling for option in command.options for spelling in option.spellings}
        assert spellings.isdisjoint({"--help", "--version"}), words
    assert {"--help", "--version"} <= set(EVERYWHERE)


def test_only_the_last_argument_takes_many_words() -> None:
    for words, command in _leaves().items():
        assert not any(argument.many for argument in command.arguments[:-1]), words


def test_a_command_keeps_its_own_letter() -> None:
    ran = _Ran()
    _obey(ran, "inspect", "values", "-p", "plan", "--project", "7")
    _obey(ran, "-p", "7", "inspect", "-p", "8", "values", "-p", "plan")
    assert ran.arguments == [{"property": "plan"}] * 2
    assert ran.projects == ["7", "8"]


def test_pairs_become_an_object() -> None:
    ran = _Ran()
    _obey(ran, "query", "jql", "-c", "main", "-P", "a=1", "--param", "b=x=y", "--param=c=")
    assert ran.arguments == [{"script": "main", "param": {"a": "1", "b": "x=y", "c": ""}}]


def test_a_list_is_given_at_once_or_one_by_one() -> None:
    ran = _Ran()
    days = ("--from", "2025-01-01", "--to", "2025-01-02")
    _obey(ran, "query", "event-counts", "-e", "A,B", *days)
    _obey(ran, "query", "event-counts", "-e", "A", *days, "--events", "B")
    _obey(ran, "query", "event-counts", "-e", '["A,B"]', *days)
    assert [each["events"] for each in ran.arguments] == ["A,B", "A,B", '["A,B"]']
    with pytest.raises(UsageError, match="one JSON array"):
        _obey(ran, "query", "event-counts", "-e", '["A"]', "-e", "B", *days)


def test_what_cannot_be_meant_together_is_told() -> None:
    with pytest.raises(UsageError, match="not both"):
        _obey(_Ran(), "query", "jql", "a.js", "-c", "main")
    with pytest.raises(UsageError, match="KEY=VALUE"):
        _obey(_Ran(), "query", "jql", "-c", "main", "-P", "a")


def test_hints_name_commands_instead_of_tools() -> None:
    told = tool_command.spoken("No tables: call fetch_events, then `query_sql`. not_a_tool stays")
    assert told == "No tables: call `mp fetch events`, then `mp query sql`. not_a_tool stays"


def test_examples_are_command_lines_that_parse() -> None:
    examples = [(row["words"], row["example"]) for row in table().values() if "example" in row]
    assert len(examples) > 10
    for words, example in examples:
        mp, *given = shlex.split(example)
        assert [mp, *given[: len(words)]] == ["mp", *words]
        parse(given, lambda words: commands.find(words, _Ran()))


@pytest.fixture
def drop(monkeypatch: pytest.MonkeyPatch) -> str:
    """A tool that an agent has to confirm."""
    table_argument = {"argument": "TABLE...", "many": True, "kind": "list", "required": True}
    confirm = {"flags": ["--confirm"], "kind": "bool", "required": False, "default": False}
    row = {
        "words": ["drop", "table"],
        "short": "Drop.",
        "help": "Drop.",
        "parameters": [
            {"name": "table", "help": "Tables", **table_argument},
            {"name": "confirm", "help": "Yes", **confirm},
        ],
    }
    monkeypatch.setitem(tool_command.table(), "drop_x", row)
    return "drop_x"


def _drop(tool: str, ran: _Ran, *words: str) -> None:
    command = tool_command.tool_command(tool, ran)
    meant = parse(words, lambda _: command)
    assert command.run
    command.run(meant.flags, meant.values)


def test_a_deletion_is_not_asked_for_where_nobody_sits(
    drop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = _Ran()
    monkeypatch.setattr("sys.stdin", StringIO(""))
    _drop(drop, ran, "a", "b")
    _drop(drop, ran, "a", "--confirm")
    assert ran.arguments == [{"table": ["a", "b"]}, {"table": ["a"], "confirm": True}]


class _Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_deletion_at_a_terminal_needs_a_yes(
    drop: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = _Ran()
    monkeypatch.setattr("sys.stdin", _Terminal("y\n\nno\n"))
    _drop(drop, ran, "a", "b")
    for _ in ("nothing typed", "a no", "the end of input"):
        with pytest.raises(KeyboardInterrupt):
            _drop(drop, ran, "a")
    assert ran.arguments == [{"table": ["a", "b"], "confirm": True}]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("drop table a b? [y/N]: ")


def test_a_deletion_that_is_confirmed_by_a_flag_is_not_asked_for(
    drop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = _Ran()
    monkeypatch.setattr("sys.stdin", _Terminal(""))
    _drop(drop, ran, "--confirm", "a")
    assert ran.arguments == [{"table": ["a"], "confirm": True}]
