"""`mp help TOPIC`: a page on how things work, offline.

Never asks a server, and never says what `--help` of a command says.
"""

from mp_mcp.errors import UsageError
from mp_mcp.front import render
from mp_mcp.front.command import Argument, command, unknown
from mp_mcp.front.flags import Flags

TOPICS = {
    "sql": "asking the fetched tables",
    "properties": "columns, prop() and types",
    "dates": "days, times and zones",
    "budget": "what Mixpanel allows in an hour",
    "coverage": "which days are complete, and what a fetch skips",
    "pairing": "you and your agents on one project",
}


@command(
    Argument(
        "topic",
        "TOPIC",
        f"One of {', '.join(TOPICS)}",
        required=False,
        choices=tuple(TOPICS),
    )
)
def help_topic(flags: Flags, topic: str | None = None) -> None:
    """Explain how something works, in a page.

    For what a command takes, use its --help.
    """
    if topic is None:
        lines = [f"  mp help {name:12}{about}\n" for name, about in TOPICS.items()]
        render.show_text("".join(lines) + "\nFor what a command takes: mp COMMAND --help\n", flags)
    else:
        render.show_text(text_of(topic), flags)


def text_of(topic: str) -> str:
    """The page. Raises: UsageError when there is none."""
    if topic not in TOPICS:
        raise unknown(
            "topic", topic, TOPICS, f"Choose {', '.join(TOPICS)}; for a command: mp COMMAND --help."
        )
    path = __file__.replace("__init__.py", f"{topic}.txt")
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to load
            return file.read()
    except OSError as error:
        raise UsageError(f"{path} is missing.", hint="Install mp-mcp again.") from error
