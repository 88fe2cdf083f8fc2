"""`mp server ...` and `mp demo`: commands about the server itself.

Never starts a server that was only asked about, and never kills one.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from mp_mcp.errors import UsageError
from mp_mcp.front import link, render, talk
from mp_mcp.front.command import command
from mp_mcp.front.flags import Flags, Option
from mp_mcp.server import lease, private_files
from mp_mcp.settings import Home, asking, find_home

STOP_PATIENCE_S = 30.0


@command(
    Option("http", ("--http",), "Open the HTTP door too: loopback only, with a bearer token"),
    Option("port", ("--port",), "Where the HTTP door opens  [default the last port]", "N", "int"),
)
def start(flags: Flags, http: bool = False, port: int | None = None) -> None:
    """Start the shared server, and return when it answers.

    Every command starts it when it is needed; it ends by itself when nobody needs it. With --http
    a server that runs already opens the door, and none of its clients notices. HTTP clients bring
    no account along: they use the one of this command, which is the default account if you choose
    none.
    """
    if port is not None and not http:
        raise UsageError("--port is the port of the HTTP door.", hint="Add --http.")
    home = find_home()
    if home.is_embedded:
        raise UsageError(
            "With MP_SERVER=off there is no shared server.", hint="Unset MP_SERVER to start one."
        )
    asked = ("mp/http", {"port": port}) if http else (None, None)
    client = asking(account=flags.account, project=flags.project, workspace=flags.workspace)
    server = link.ask(home, client, *asked)
    found = {"running": True, "pid": server.pid, "version": server.version}
    sentence = f"server running, pid {server.pid}"
    if http:
        found["http"] = server.result.get("url")
        sentence += f", {found['http']}"
        if not flags.quiet:
            talk.say("hint: its token: mp server status --show-token")
    render.show(found, flags, sentence=sentence)


@command()
def stop(flags: Flags) -> None:
    """Stop the shared server, and return when it has let go of every file.

    Running transactions end first. Agents stay connected: their next call starts a new server.
    """
    home = find_home()
    was_running = lease.is_held(home)
    asked: int | None = None
    deadline = time.monotonic() + STOP_PATIENCE_S
    # A server that holds the lock and does not listen yet is starting: it is asked when it does.
    while lease.is_held(home) and not _is_another(home, asked):
        if asked is None:
            with suppress(lease.Absent):
                asked = link.ask(home, asking(), "mp/stop", start=False).pid
        if time.monotonic() > deadline:
            raise lease.unresponsive(home)
        time.sleep(0.01)
    sentence = f"server stopped, pid {asked}" if was_running else "no server was running"
    render.show({"running": False, "stopped": was_running, "pid": asked}, flags, sentence=sentence)


@command(Option("show_token", ("--show-token",), "Show the bearer token of the HTTP door"))
def status(flags: Flags, show_token: bool = False) -> None:
    """Say whether the shared server runs, which clients are connected and what they do.

    It neither starts a server nor opens a database.
    """
    home = find_home()
    try:
        found = link.ask(home, asking(), "mp/status", start=False).result
    except lease.Absent:
        found = {"running": False}
    if show_token:
        found["token"] = token_of(home, found)
    sentence = None if found["running"] else "no server is running"
    render.show(found, flags, sentence=sentence)


def token_of(home: Home, status: dict[str, Any]) -> str:
    """The token of the open HTTP door, from its file. Raises: UsageError when it is closed."""
    if not status.get("http"):
        raise UsageError("The HTTP door is closed.", hint="Open it: mp server start --http")
    return private_files.http_token(home, create=False)


@command(
    Option("lines", ("-n", "--lines"), "How many  [default 50; at least 0]", "N", "int"),
    Option("follow", ("-f", "--follow"), "Go on with new lines, until Ctrl-C"),
)
def logs(flags: Flags, lines: int = 50, follow: bool = False) -> None:
    """Show the end of the server's log."""
    if lines < 0:
        raise UsageError(f"--lines is at least 0, not {lines}.", hint="Give a number such as 50.")
    path = find_home().server_log
    as_json = flags.format in ("json", "jsonl")
    place = place_in(path)
    for line in _last(path, lines):
        _print(line, as_json=as_json)
    if follow:
        for line in followed(path, place):
            _print(line, as_json=as_json)


@command()
def demo(_: Flags) -> None:
    """A tour in two minutes, with a simulated project: no account is needed."""
    code = import_module("mp_mcp.demo.tour").main()
    if isinstance(code, int):
        sys.exit(code)


def _is_another(home: Home, asked: int | None) -> bool:
    """Whether the server that we asked has gone already, and a client started the next one."""
    return asked is not None and lease.server_info(home).get("pid", asked) != asked


def _print(line: str, *, as_json: bool) -> None:
    render.write((json.dumps({"line": line}, ensure_ascii=False) if as_json else line) + "\n")


def _last(path: Path, count: int) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:] if count else []


def followed(path: Path, place: tuple[int, int], poll_s: float = 0.2) -> Iterator[str]:
    """Lines written after `place`, as they come, through rotations of the file."""
    inode, size = place
    while True:
        now, end = place_in(path)
        if now != inode or end < size:
            inode, size = now, 0
        if end > size:
            with path.open("rb") as file:
                file.seek(size)
                found = file.read()
            complete = found[: found.rfind(b"\n") + 1]
            size += len(complete)
            yield from complete.decode("utf-8", "replace").splitlines()
        time.sleep(poll_s)


def place_in(path: Path) -> tuple[int, int]:
    """Which file lies there, and how long it is."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_size
