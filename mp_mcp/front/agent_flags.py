"""The command line of `mp-mcp`: whose data it shows, and which tools.

Standard library only. It never starts anything: a wrong name is told before there is a server.
"""

import json
import sys
from typing import Any

from mp_mcp import __version__
from mp_mcp.errors import ExitCode, UsageError

USAGE = """\
usage: mp-mcp [--account NAME] [--project ID] [--workspace ID]
              [--toolsets A,B] [--tools A,B] [--read-only] [--version] [--help]

An MCP server over stdin and stdout. All copies of it share one local server, with `mp` too.
Settings come from MP_* variables and ~/.mp/mp.toml; see `mp auth status`.

--toolsets A,B  which tools the agent gets: default, all, or parts (api, storage, jobs, workspace);
                without it the default ones are listed, and the others can still be called
--tools A,B     these tools, and no others but those of --toolsets
--read-only     no tool that changes the local database, and no save_as
"""

VALUES = ("--account", "--project", "--workspace")
QUESTIONS = ("-h", "--help", "--version")
LISTS = ("--toolsets", "--tools")


def read(words: list[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """The flags of `asking`, and the greeting's choice of tools. Raises: UsageError."""
    flags: dict[str, str] = {}
    choice: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in QUESTIONS:
            sys.stdout.write(f"mp-mcp {__version__}\n" if word == "--version" else USAGE)
            sys.exit(ExitCode.OK)
        name, _, value = word.partition("=")
        if word == "--read-only":
            choice["read_only"] = True
        elif name not in (*VALUES, *LISTS) or not (value or rest):
            raise UsageError(f"cannot use {word!r}\n{USAGE.rstrip()}")
        elif name in LISTS:
            choice.setdefault(name.removeprefix("--"), []).extend(_names(value or rest.pop(0)))
        else:
            flags[name.removeprefix("--")] = value or rest.pop(0)
    _check(choice)
    return flags, choice


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"{text!r} names nothing.", hint="Example: --tools query_sql,save_table")
    return names


def _check(choice: dict[str, Any]) -> None:
    """Raises: UsageError for a name that does not exist, with the closest one."""
    if not choice.get("toolsets") and not choice.get("tools"):
        return
    path = __file__.replace("agent_flags.py", "command_table.json")
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 4 ms of every start
        rows = {name: row for name, row in json.load(file).items() if row.get("toolsets")}
    known = {
        "toolsets": {one for row in rows.values() for one in row["toolsets"]},
        "tools": set(rows),
    }
    for kind, names in known.items():
        for name in choice.get(kind, ()):
            if name not in names:
                import difflib

                close = difflib.get_close_matches(name, names, n=1)
                otherwise = f"Known: {', '.join(sorted(names))}."
                raise UsageError(
                    f"there is no {kind.removesuffix('s')} {name!r}",
                    hint=f"Did you mean {close[0]}?" if close else otherwise,
                )
