"""The command tree: built from rows of the table, one command at a time."""

from io import StringIO

import click
import pytest

from mp_mcp.front import commands, flags, tool_command
from mp_mcp.front.generate import table


def _nothing(flags: flags.Flags, tool: str, arguments: dict[str, object], wants_one: bool) -> None:
    """Run nothing."""


def _walk(group: click.Group, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    context = click.Context(group)
    found: dict[tuple[str, ...], click.Command] = {}
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group):
            found |= _walk(command, (*path, word))
        else:
            found[(*path, word)] = command
    return found


def test_every_tool_and_every_hand_written_command_is_reached() -> None:
    reached = set(_walk(commands.root(_nothing)))
    assert reached == {tuple(row["words"]) for row in table().values()} | set(commands.BY_HAND)


def test_no_command_has_one_spelling_twice() -> None:
    for words, command in _walk(commands.root(_nothing)).items():
        spellings = [spelling for param in command.params for spelling in param.opts]
        assert len(spellings) == len(set(spellings)), words


def test_a_command_keeps_its_own_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def run(flagged: flags.Flags, tool: str, arguments: dict[str, object], one: bool) -> None:
        seen.update(arguments, project=flagged.project)

    row = {
        "words": ["inspect", "values"],
        "short": "List values.",
        "help": "List values.",
        "parameters": [
            {
                "name": "property",
                "flags": ["-p", "--property"],
                "kind": "str",
                "required": True,
                "help": "Name",
            }
        ],
    }
    monkeypatch.setitem(tool_command.table(), "inspect_values", row)
    command = tool_command.tool_command("inspect_values", run)
    with command.make_context("v", ["-p", "plan", "--project", "7"], obj=flags.Flags()) as context:
        command.invoke(context)
    assert seen == {"property": "plan", "project": "7"}


def test_pairs_become_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def run(flagged: flags.Flags, tool: str, arguments: dict[str, object], one: bool) -> None:
        seen.update(arguments)

    row = {
        "words": ["query", "jql"],
        "short": "Run.",
        "help": "Run.",
        "parameters": [
            {
                "name": "params",
                "flags": ["-P", "--param"],
                "kind": "pairs",
                "required": False,
                "help": "K",
            }
        ],
    }
    monkeypatch.setitem(tool_command.table(), "query_x", row)
    command = tool_command.tool_command("query_x", run)
    with command.make_context("x", ["-P", "a=1", "--param", "b=x=y"], obj=flags.Flags()) as context:
        command.invoke(context)
    assert seen == {"params": {"a": "1", "b": "x=y"}}


def test_hints_name_commands_instead_of_tools() -> None:
    told = tool_command.spoken("No tables: call fetch_events, then `query_sql`. not_a_tool stays")
    assert told == "No tables: call `mp fetch events`, then `mp query sql`. not_a_tool stays"


def test_examples_are_command_lines_that_parse() -> None:
    tree = _walk(commands.root(_nothing))
    import shlex

    for row in table().values():
        _, found, example = row["help"].partition("Example:\n")
        if not found:
            continue
        words = shlex.split(example)
        depth = len(row["words"]) + 1
        assert words[:depth] == ["mp", *row["words"]]
        with tree[tuple(row["words"])].make_context("x", words[depth:], obj=flags.Flags()):
            pass


def test_a_deletion_is_asked_for_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []

    def run(flagged: flags.Flags, tool: str, arguments: dict[str, object], one: bool) -> None:
        seen.append(arguments)

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
    command = tool_command.tool_command("drop_x", run)
    monkeypatch.setattr("sys.stdin", StringIO(""))
    for words in (["a", "b"], ["a", "--confirm"]):
        with command.make_context("x", words, obj=flags.Flags()) as context:
            command.invoke(context)
    assert seen == [{"table": ("a", "b")}, {"table": ("a",), "confirm": True}]
