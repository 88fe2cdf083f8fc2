"""A command line becomes a command, flags and values, wherever its flags stand."""

from typing import Any

import pytest

from mp_mcp.errors import UsageError
from mp_mcp.front.command import Argument, Command, unknown
from mp_mcp.front.flags import HELP, VERSION, Option, one_of
from mp_mcp.front.parse import Meant, parse

COPY = Command(
    words=("copy",),
    help="Copy rows.",
    arguments=(
        Argument("source", "FROM"),
        Argument("limit", "N", kind="int", required=False),
        Argument("targets", "TO...", required=False, many=True),
    ),
    options=(
        Option("pattern", ("-p", "--pattern"), "Only these", "TEXT"),
        Option("count", ("-n", "--count"), "How many", "N", "int"),
        Option("share", ("--share",), "How much", "N", "float"),
        Option("pairs", ("-P", "--pair"), "Values", "K=V", "pairs", many=True),
        Option("dry", ("-d", "--dry"), "Only look"),
        Option("loud", ("--loud",), "Say it"),
        Option("loud", ("--no-loud",), "Do not say it", meaning=False),
        one_of("mode", ("-m", "--mode"), ("fast", "safe"), "How"),
    ),
    run=lambda *_: None,
)
ROOT = Command((), "All of it", members=(("copy", "Copy rows"), ("drop", "Drop rows")))


def _find(words: tuple[str, ...]) -> Command:
    if words not in ((), ("copy",)):
        raise unknown("command", words[-1], dict(ROOT.members), "See `mp --help`.")
    return COPY if words else ROOT


def _parsed(line: str | list[str]) -> Meant:
    return parse(line.split() if isinstance(line, str) else line, _find)


def _refused(line: str | list[str]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        _parsed(line)
    return caught.value


@pytest.mark.parametrize(
    "line",
    [
        "-f json -q -a me copy x",
        "-f json copy -q x -a me",
        "copy x --format json --quiet --account me",
        "copy x --format=json --quiet --account=me",
        "copy -fjson -q -ame x",
        "copy -f=json -q -a=me x",
        "copy -qfjson -ame x",
        "-qf json copy x -a me",
        "-f csv copy -f json x -qa me",
    ],
)
def test_output_flags_stand_anywhere_and_the_last_one_counts(line: str) -> None:
    meant = _parsed(line)
    assert (meant.flags.format, meant.flags.quiet, meant.flags.account) == ("json", True, "me")
    assert meant.flags.verbose is False
    assert meant.values == {"source": "x"}


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("copy x 5", {"limit": 5}),
        ("copy x -5", {"limit": -5}),
        ("copy x 5 a b", {"limit": 5, "targets": ["a", "b"]}),
        ("copy x -n 5 5 a -d b", {"limit": 5, "targets": ["a", "b"], "count": 5, "dry": True}),
        ("copy x -n5", {"count": 5}),
        ("copy x -n -5", {"count": -5}),
        ("copy x --count=-5", {"count": -5}),
        ("copy x --share -.5", {"share": -0.5}),
        ("copy x -p -1d", {"pattern": "-1d"}),
        ("copy x -p --dry", {"pattern": "--dry"}),
        ("copy x --pattern=a=b", {"pattern": "a=b"}),
        ("copy x --pattern=", {"pattern": ""}),
        ("copy x -dpy", {"dry": True, "pattern": "y"}),
        ("copy x -P a=1 -Pb=2", {"pairs": ["a=1", "b=2"]}),
        ("copy x --loud --no-loud", {"loud": False}),
        ("copy x --no-loud --loud", {"loud": True}),
        ("copy x -m safe", {"mode": "safe"}),
    ],
)
def test_values_have_their_kind_and_only_what_is_given_is_there(
    line: str, values: dict[str, Any]
) -> None:
    assert _parsed(line).values == {"source": "x", **values}


def test_two_dashes_end_the_flags() -> None:
    assert _parsed("copy -- -x 5 --dry").values == {
        "source": "-x",
        "limit": 5,
        "targets": ["--dry"],
    }
    assert _parsed("-- copy x 5 --").values == {"source": "x", "limit": 5, "targets": ["--"]}


def test_a_lone_dash_and_spaces_are_values() -> None:
    assert _parsed("copy -").values == {"source": "-"}
    assert _parsed(["copy", "", "-p", "a b"]).values == {"source": "", "pattern": "a b"}


def test_a_commands_own_letter_wins_behind_its_words() -> None:
    meant = _parsed("-p 7 copy x -p y")
    assert (meant.flags.project, meant.values["pattern"]) == ("7", "y")
    assert _parsed("copy x -p y --project 7").flags.project == "7"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("cpoy x", "No such command: cpoy", "Did you mean copy?"),
        ("zzz", "No such command: zzz", "See `mp --help`."),
        ("copy x --cuont 5", "No such option: --cuont", "Did you mean --count?"),
        ("copy x --coun 5", "No such option: --coun", "Did you mean --count?"),
        ("copy --formt json x", "No such option: --formt", "Did you mean --format?"),
        ("copy x -dz", "No such option: -z", "See `mp copy --help`; after -- a value may"),
        ("--count 5 copy x", "No such option: --count", "Did you mean --account?"),
        ("-q", "A command is missing.", "See `mp --help`."),
        ("copy x -n", "Option -n needs a value.", "See `mp copy --help`."),
        ("copy x --dry=yes", "Option --dry does not take a value.", "See `mp copy --help`."),
        ("copy", "Missing argument FROM.", "See `mp copy --help`."),
        ("copy --x--y--z", "No such option: --x--y--z", "See `mp copy --help`; after --"),
        ("copy x many", "Invalid argument N: 'many' is not a valid integer.", "See `mp copy"),
        ("copy x -n 5.5", "Invalid option -n / --count: '5.5' is not a valid", "See `mp copy"),
        ("copy x --share a", "Invalid option --share: 'a' is not a valid number.", "See `mp copy"),
        ("copy x -m slow", "'slow' is not one of fast, safe.", "See `mp copy --help`."),
        ("copy x -f xml", "'xml' is not one of json, jsonl, csv, table, plain.", "See `mp copy"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(line: str, message: str, hint: str) -> None:
    error = _refused(line)
    assert message in error.message
    assert (error.hint or "").startswith(hint)


def test_a_word_too_many_is_named() -> None:
    few = COPY._replace(arguments=COPY.arguments[:1])
    with pytest.raises(UsageError, match="Unexpected argument: y"):
        parse(["copy", "x", "y"], lambda words: few if words else ROOT)


def test_a_required_flag_is_missed() -> None:
    needed = Option("event", ("-e", "--event"), "Which", "TEXT", required=True)
    strict = COPY._replace(options=(needed,))
    with pytest.raises(UsageError, match="Missing option -e / --event"):
        parse(["copy", "x"], lambda words: strict if words else ROOT)


@pytest.mark.parametrize(
    ("line", "words", "asks"),
    [
        ("--help", (), HELP),
        ("--help copy", (), HELP),
        ("copy --help", ("copy",), HELP),
        ("copy x -n many --help --nonsense", ("copy",), HELP),
        ("copy --version", ("copy",), VERSION),
    ],
)
def test_help_and_version_are_asked_for_anywhere(
    line: str, words: tuple[str, ...], asks: Option
) -> None:
    meant = _parsed(line)
    assert (meant.command.words, meant.asks) == (words, asks)


def test_a_group_alone_is_no_mistake() -> None:
    assert _parsed([]).command is ROOT


def test_files_are_absolute_because_the_servers_folder_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = COPY._replace(arguments=(Argument("file", "FILE", kind="path"),))
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", "/home/ada")

    def read(path: str) -> str:
        return str(parse(["copy", path], lambda words: paths if words else ROOT).values["file"])

    assert (read("a"), read("/b"), read("~/c")) == ("/a", "/b", "/home/ada/c")
    with pytest.raises(UsageError, match="is not a path"):
        read("~nobody-of-that-name/d")


LOG = Command(
    words=("log",),
    help="Both a command and a group.",
    arguments=(Argument("name", "NAME", required=False),),
    options=(Option("follow", ("-f", "--follow"), "Go on"),),
    run=lambda *_: None,
    members=(("show", "One of them"),),
)
SHOW = Command(("log", "show"), "One.", (Argument("number", "N", kind="int"),), run=lambda *_: None)


def _find_log(words: tuple[str, ...]) -> Command:
    return {(): Command((), "", members=(("log", "Both"),)), ("log",): LOG}.get(words, SHOW)


@pytest.mark.parametrize(
    ("line", "words", "values"),
    [
        ("log", ("log",), {}),
        ("log -f", ("log",), {"follow": True}),
        ("log other", ("log",), {"name": "other"}),
        ("log -- show", ("log",), {"name": "show"}),
        ("log -f show", ("log",), {"follow": True, "name": "show"}),
        ("log show 3", ("log", "show"), {"number": 3}),
        ("-q log -v show 3", ("log", "show"), {"number": 3}),
    ],
)
def test_a_command_that_is_a_group_too_leads_on_by_the_words_of_its_members(
    line: str, words: tuple[str, ...], values: dict[str, Any]
) -> None:
    meant = parse(line.split(), _find_log)
    assert (meant.command.words, meant.values) == (words, values)
