"""The tree of `mp` commands: tools of the generated table, and the few that are written by hand.

Never imports a tool: the table says all there is to know, and only the command in use is built.
"""

from functools import cache
from importlib import import_module
from typing import Any

import click

from mp_mcp.front import flags
from mp_mcp.front.tool_command import OUTPUT_NOTE, Run, table, tool_command

GROUPS = {
    "inspect": "See what exists: events, reports, local tables",
    "query": "Ask Mixpanel for a report, or the local tables in SQL",
    "fetch": "Download raw data into local tables",
    "save": "Keep a SELECT as a table",
    "drop": "Delete local tables",
    "wait": "Wait for long work",
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
    ("demo",): ("mp_mcp.front.admin:demo", "A tour in two minutes, without an account."),
}


class Branch(click.Group):
    """The commands that start with some words; its members are built when they are used."""

    def __init__(self, words: tuple[str, ...], run: Run, **more: Any) -> None:
        super().__init__(name=words[-1] if words else "mp", add_help_option=False, **more)
        self._words = words
        self._run = run

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The next words, in the order of the table; hand-written commands last."""
        depth = len(self._words)
        found = {w[depth] for w in _leaves() if w[:depth] == self._words}
        return sorted(found, key=lambda word: (_rank(word) if depth == 0 else 0, word))

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Build one member."""
        words = (*self._words, cmd_name)
        leaf = _leaves().get(words)
        if leaf is not None:
            return _by_hand(words) if words in BY_HAND else tool_command(leaf, self._run)
        if any(other[: len(words)] == words for other in _leaves()):
            return Branch(words, self._run, help=GROUPS.get(cmd_name), params=flags.options())
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The member of that name. Raises: NoSuchCommand with the closest one."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the members without building them."""
        rows = []
        for word in self.list_commands(ctx):
            words = (*self._words, word)
            rows.append((word, _short_help(words)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def root(run: Run) -> click.Group:
    """The command `mp`."""
    return Branch(
        (),
        run,
        help="Mixpanel and local SQL in your terminal, shared with your AI agents.",
        epilog="Exit codes: 0 ok, 1 unexpected, 2 authentication or plan, 3 invalid arguments or "
        "query, 4 not found, 5 rate limited, 6 database locked by another program, "
        "7 Mixpanel unavailable, 130 interrupted.",
        params=flags.options(hidden=False),
    )


def _by_hand(words: tuple[str, ...]) -> click.Command:
    import copy

    module, _, name = BY_HAND[words][0].partition(":")
    command: click.Command = copy.copy(getattr(import_module(module), name))
    taken = {spelling for param in command.params for spelling in param.opts}
    command.add_help_option = False
    command.params = [*command.params, *flags.options(taken)]
    command.help, command.epilog = command.help or BY_HAND[words][1], OUTPUT_NOTE
    return command


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
