"""What a flag is, and the flags that every command takes: before, between and after its words.

Never takes a letter from a command: where a command has a flag of the same name, that one wins.
"""

from typing import Any, NamedTuple

PICTURES = (".png", ".svg")
FORMATS = ("json", "jsonl", "csv", "table", "plain")


class Flags:
    """What the person wished for, whatever the command is."""

    def __init__(self) -> None:
        self.format: str | None = None
        self.quiet = False
        self.verbose = False
        self.account: str | None = None
        self.project: str | None = None
        self.workspace: str | None = None
        self.fresh = False
        self.jq: str | None = None
        self.chart: bool | str | None = None
        self.force = False
        self.no_pager = False


class Option(NamedTuple):
    """A flag in all its spellings. It takes a value when it has a `metavar`; `name` is its key.

    `kind` says what becomes of the value's text (`parse.KINDS`; any other kind leaves it as it
    is), `meaning` is the value of a flag that takes none, and `many` collects repetitions. One with
    `endings` takes a value only where a word with one of them follows, or after `=`.
    """

    name: str
    spellings: tuple[str, ...]
    help: str
    metavar: str | None = None
    kind: str = "str"
    choices: tuple[str, ...] = ()
    required: bool = False
    many: bool = False
    meaning: bool = True
    endings: tuple[str, ...] = ()


def one_of(name: str, spellings: tuple[str, ...], choices: tuple[str, ...], about: str) -> Option:
    """A flag whose value is one of a few words."""
    return Option(name, spellings, about, f"[{'|'.join(choices)}]", "one_of", choices)


OUTPUT = (
    one_of(
        "format", ("-f", "--format"), FORMATS, "How to print: table on a terminal, json otherwise"
    ),
    Option("quiet", ("-q", "--quiet"), "No hints, notices and progress on stderr"),
    Option("verbose", ("-v", "--verbose"), "Say on stderr which server answered, and how fast"),
    Option("account", ("-a", "--account"), "Use this stored account", "NAME"),
    Option("project", ("-p", "--project"), "Use this Mixpanel project", "ID"),
    Option("workspace", ("--workspace",), "Use this data view of the project", "ID"),
    Option("fresh", ("--fresh",), "Ask Mixpanel again instead of using a cached answer"),
    Option(
        "chart",
        ("--chart",),
        "Draw the answer, or write it to a picture; on a terminal it is drawn where that helps",
        "[FILE.png|FILE.svg]",
        endings=PICTURES,
    ),
    Option("chart", ("--no-chart",), "Draw nothing", meaning=False),
    Option("force", ("--force",), "Replace the picture of --chart when it is there already"),
    Option(
        "jq",
        ("--jq",),
        "Print what this jq filter makes of the JSON; whole numbers beyond 2^53 are texts for it",
        "FILTER",
    ),
    Option("no_pager", ("--no-pager",), "Print long answers at once, also on a terminal"),
)
"""Each sets the field of Flags that has its name."""

VERSION = Option("version", ("--version",), "Show the version.")
HELP = Option("help", ("--help",), "Show this help.")

EVERYWHERE = {
    spelling: option for option in (*OUTPUT, VERSION, HELP) for spelling in option.spellings
}


def spelled(option: Option) -> str:
    """`-l / --limit`, for messages."""
    return " / ".join(option.spellings)


def set_flag(flags: Flags, option: Option, value: Any) -> None:
    """Note down the value of one of OUTPUT."""
    setattr(flags, option.name, value)
