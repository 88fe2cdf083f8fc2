"""The tree of `mp` commands: tools of the generated table, and the few that are written by hand.

Never imports a tool: the table says all there is to know, and only the command in use is built.
"""

from functools import cache
from importlib import import_module

from mp_mcp.front.command import Command, unknown
from mp_mcp.front.tool_command import RunTool, table, tool_command

GROUPS = {
    "inspect": "See what exists: events, reports, local tables",
    "query": "Ask Mixpanel for a report, or the local tables in SQL",
    "fetch": "Download raw data into local tables",
    "save": "Keep a SELECT as a table",
    "drop": "Delete local tables",
    "wait": "Wait for a fetch that goes on in the background",
    "auth": "Store and check the accounts that you use",
    "server": "Look after the shared server",
}

BY_HAND = {
    ("auth", "login"): ("mp_mcp.front.auth:login", "Check an account with Mixpanel and store it."),
    ("auth", "logout"): ("mp_mcp.front.auth:logout", "Remove a stored account and its secret."),
    ("auth", "status"): (
        "mp_mcp.front.auth:status",
        "Say which account and project are in use, and why.",
    ),
    ("auth", "list"): ("mp_mcp.front.auth:list_accounts", "List the stored accounts."),
    ("auth", "switch"): ("mp_mcp.front.auth:switch", "Make a stored account the default."),
    ("server", "start"): ("mp_mcp.front.admin:start", "Start the shared server."),
    ("server", "stop"): ("mp_mcp.front.admin:stop", "Stop the shared server."),
    ("server", "status"): ("mp_mcp.front.admin:status", "Say whether it runs, and for whom."),
    ("server", "logs"): ("mp_mcp.front.admin:logs", "Show the end of the server's log."),
    ("status",): (
        "mp_mcp.front.status:status",
        "Who is connected, what runs, what is left of the budget.",
    ),
    ("cancel",): ("mp_mcp.front.status:cancel", "Stop anybody's running call or job."),
    ("history",): ("mp_mcp.front.history:history", "What you and the agents called."),
    ("history", "show"): ("mp_mcp.front.history:show", "One call: its arguments and exact SQL."),
    ("history", "rerun"): ("mp_mcp.front.history:rerun", "Run one of the calls again."),
    ("doctor",): ("mp_mcp.front.doctor:doctor", "Check the setup, and say how to mend it."),
    ("server", "config"): (
        "mp_mcp.front.client_config:config",
        "Print how an MCP client is configured.",
    ),
    ("completion",): (
        "mp_mcp.front.completion:completion",
        "Print a script that completes mp's words in your shell.",
    ),
    ("help",): ("mp_mcp.front.topics:help_topic", "Explain sql, dates, the budget and more."),
    ("demo",): ("mp_mcp.front.admin:demo", "A tour in two minutes, without an account."),
}

ABOUT = "Mixpanel and local SQL in your terminal, shared with your AI agents."


def find(words: tuple[str, ...], run: RunTool) -> Command:
    """The command of these words, or the group that starts with them. Raises: UsageError."""
    leaf = _leaves().get(words)
    if leaf:
        return tool_command(leaf, run)
    if words in BY_HAND:
        return _by_hand(words)
    members = _members(words)
    if members:
        return Command(words, GROUPS.get(words[-1], "") if words else ABOUT, members=members)
    group = find(words[:-1], run)
    raise unknown("command", words[-1], dict(group.members), f"See `{group.line} --help`.")


def _by_hand(words: tuple[str, ...]) -> Command:
    module, _, name = BY_HAND[words][0].partition(":")
    command: Command = getattr(import_module(module), name)
    return command._replace(words=words, members=_members(words))


def _members(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The next words and what they are for, in the order of GROUPS, then by name."""
    depth = len(words)
    found = {other[depth] for other in _leaves() if other[:depth] == words and other != words}
    ordered = sorted(found, key=lambda word: (0 if depth else _rank(word), word))
    return tuple((word, _short_help((*words, word))) for word in ordered)


@cache
def _leaves() -> dict[tuple[str, ...], str]:
    """Words of every command, to the name of its tool ("" for hand-written ones)."""
    tools = {tuple(row["words"]): name for name, row in table().items()}
    return {**tools, **dict.fromkeys(BY_HAND, "")}


def _short_help(words: tuple[str, ...]) -> str:
    if words in BY_HAND:
        return BY_HAND[words][1].removesuffix(".")
    name = _leaves().get(words)
    if name:
        return str(table()[name]["short"]).removesuffix(".")
    return GROUPS.get(words[-1], "")


def _rank(word: str) -> int:
    known = list(GROUPS)
    return known.index(word) if word in known[:-2] else len(known)
