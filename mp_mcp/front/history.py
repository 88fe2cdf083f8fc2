"""`mp history ...`: what everybody called, live with -f, and again with rerun.

Never reads state.db (the server does), and never adds to the history by looking at it.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mp_mcp.errors import NotFoundError, ServerUnreachableError, UsageError
from mp_mcp.front import calls_shown, link, render, talk
from mp_mcp.front.command import Argument, command
from mp_mcp.front.flags import Flags, Option
from mp_mcp.front.tool_command import confirm, needs_confirming, table
from mp_mcp.server import lease, owners
from mp_mcp.settings import Home, asking, find_home

PAUSE_S = 0.3
"""Between two looks whether the next server is there."""

MOST = 1000

NUMBER = Argument("number", "N", "Its id, from `mp history`", "int")


@command(
    Option("follow", ("-f", "--follow"), "Go on with each call as it ends, until Ctrl-C"),
    Option("client", ("--client",), "Only of: human, agents, or a part of a label", "TEXT"),
    Option("tool", ("--tool",), "Only of this tool, e.g. query_sql", "NAME"),
    Option("since", ("--since",), "Only since then: 10m, 2h, 3d, a date or time", "TIME"),
    Option("limit", ("-n", "-l", "--limit"), "At most  [default 20; 1 to 1,000]", "N", "int"),
)
def history(flags: Flags, follow: bool = False, limit: int = 20, **wanted: str) -> None:
    """Show the latest calls of everybody: people and agents, newest last.

    Calls are remembered for 30 days (`history_days` of [server] in mp.toml). Secrets are masked.
    Calls that only waited for a job are shown with --tool wait_job.
    """
    if not 1 <= limit <= MOST:
        raise UsageError(f"--limit is 1 to {MOST}, not {limit}.", hint="Example: --limit 50")
    home, params = find_home(), {**wanted, "limit": limit}
    if follow and home.is_embedded:
        raise UsageError(
            "With MP_SERVER=off nothing is shared: there is nobody to follow.",
            hint="Unset MP_SERVER, or leave -f out.",
        )
    if follow:
        _follow(home, flags, params)
        return
    calls = _asked(home, params)[::-1]
    render.show(calls_shown.listed(calls, flags), flags)
    if not calls and not flags.quiet:
        talk.say("no such calls yet")


@command(NUMBER)
def show(flags: Flags, number: int) -> None:
    """Show one call: who, when, its arguments and its exact SQL, and how it ended."""
    call = _one(find_home(), number)
    if calls_shown.is_for_people(flags):
        render.write(calls_shown.in_full(call))
    else:
        render.show(call, flags)


@command(NUMBER, Option("yes", ("-y", "--confirm"), "Yes to what a call of its kind asks first"))
def rerun(flags: Flags, number: int, yes: bool = False) -> None:
    """Run a call again, with your account, and show its answer to you.

    What had to be confirmed, such as dropping a table, has to be confirmed again. Calls are not
    repeated whose arguments had a secret or were too long to be kept.
    """
    from mp_mcp.front.cli import run_tool  # it imports every command, so not before now

    call = _one(find_home(), number)
    tool, arguments = str(call["tool"]), dict(call["arguments"])
    if tool not in table():
        raise UsageError(f"Call {number} was of no tool that there is: {tool}.")
    if not call["complete"]:
        raise UsageError(
            f"The arguments of call {number} are not kept in full: they had a secret or were long.",
            hint=f"`mp history show {number}` shows what is known of them.",
        )
    # Whoever reruns a fetch wants to see it end.
    arguments.pop("detach", None)
    if not flags.quiet:
        talk.say(f"rerun of {number}: {calls_shown.what(call)}")
    # That somebody agreed then does not mean that somebody agrees now.
    arguments.pop("confirm", None)
    if yes and needs_confirming(tool):
        arguments["confirm"] = True
    confirm(tool, arguments)
    run_tool(flags, tool, arguments, False)


def _asked(home: Home, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    owners.require_state(home)
    return list(link.ask(home, asking(), "mp/history", params).result["calls"])


def _one(home: Home, number: int) -> dict[str, Any]:
    found = _asked(home, {"id": number}) if 0 < number < 2**62 else []
    if not found:
        raise NotFoundError(
            f"There is no call {number} in the history.", hint="`mp history` lists the latest."
        )
    return found[0]


def _follow(home: Home, flags: Flags, params: Mapping[str, Any]) -> None:
    """Print each call, through restarts of the server: the first one is started, no other."""
    last = 0

    def heard(progress: Mapping[str, Any] | None) -> None:
        nonlocal last
        if progress and "call" in progress:
            call = dict(progress["call"])
            last = max(last, int(call["id"]))
            render.write(calls_shown.line(call, flags))

    is_first = True
    while True:
        missed = {} if is_first else {"after": last, "limit": MOST}
        with suppress(lease.Absent, ServerUnreachableError):
            link.ask(home, asking(), "mp/follow", {**params, **missed}, start=is_first, watch=heard)
        is_first = False
        time.sleep(PAUSE_S)
