"""A greeted connection to the shared server: connect or spawn, say who asks, check the answer.

Standard library only. It never carries a call: `link.py` and `agent.py` do, on what it returns.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from mp_mcp import __version__
from mp_mcp.error_codes import error_of
from mp_mcp.errors import ServerVersionError
from mp_mcp.server import lease
from mp_mcp.settings import Asking, Home

GREETING_PATIENCE_S = 20.0
"""A server that is up answers a greeting in a millisecond, on a busy machine in seconds; this long
is hung."""

STOPPED_PATIENCE_S = 2.0
"""A server that was stopped (Ctrl-Z) may be continued at once; then it is reported."""

START_PATIENCE_S = 30.0
"""A server that is just starting has to import its libraries first."""


class Greeted(NamedTuple):
    """A socket whose greeting was answered; nothing else was read from it."""

    socket: socket.socket
    version: str
    pid: int
    standing: dict[str, Any]


def greet(
    home: Home,
    asking: Asking,
    *,
    kind: str,
    start: bool = True,
    known: Mapping[str, Any] | None = None,
    choice: Mapping[str, Any] | None = None,
) -> Greeted:
    """Connect, greet, and try again when the server was just leaving.

    `kind` is `agent` or `human`; with `start` False nothing is spawned. `known` is the account and
    project that this client's answers came from so far: the server says when they change. `choice`
    is which tools it wants.
    Raises: ServerUnreachableError when no server answers; lease.NotStarted when none can be
    started; lease.Absent without `start`.
    """
    # Who may not start a server may not displace one either.
    more = {**(choice or {}), **({"known": dict(known)} if known else {})}
    hello = _hello(asking, kind, __version__ if start else "0", more)
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        connection = lease.connect(home) if start else lease.dial(home)
        reply = _answered(home, connection, hello, deadline)
        if reply is not None and not reply.get("leaving"):
            connection.settimeout(None)
            version, pid = str(reply.get("version")), int(reply.get("pid", 0))
            return Greeted(connection, version, pid, dict(reply.get("standing") or {}))
        connection.close()
        if time.monotonic() > deadline:
            raise lease.unresponsive(home)
        time.sleep(0.01)


def label(kind: str) -> str:
    """What the server calls this process: `agent` or `human`."""
    return f"{'mp' if kind == 'human' else 'mp-mcp'} pid {os.getpid()}"


def _hello(asking: Asking, kind: str, version: str, more: Mapping[str, Any]) -> bytes:
    params: dict[str, Any] = {
        "version": version,
        "kind": kind,
        "label": label(kind),
        "asking": asking.as_dict(),
        **more,
    }
    message = {"jsonrpc": "2.0", "id": "hello", "method": "mp/hello", "params": params}
    return json.dumps(message).encode() + b"\n"


def _answered(
    home: Home, connection: socket.socket, hello: bytes, deadline: float
) -> dict[str, Any] | None:
    """The answer to the greeting; None when the server left before it could answer."""
    try:
        connection.sendall(hello)
        line = _line(home, connection, deadline)
    except (BrokenPipeError, ConnectionResetError):
        return None
    if not line:
        return None
    try:
        answer = json.loads(line)
        refused, result = answer.get("error"), answer.get("result")
        if refused is not None:
            raise error_of({"message": refused.get("message"), **(refused.get("data") or {})})
        return dict(result)
    except (AttributeError, TypeError, ValueError) as error:
        raise ServerVersionError(
            f"Something else than our server answers at {home.socket}.",
            hint="End that program, or choose another MP_HOME.",
        ) from error


def _line(home: Home, connection: socket.socket, deadline: float) -> bytes:
    """One line, byte-exact: what follows it belongs to the caller."""
    # What a server that comes up takes for its imports is no silence of one that is up.
    started = up_since = time.monotonic()
    connection.settimeout(0.25)
    while True:
        with suppress(TimeoutError):
            found = connection.recv(65536, socket.MSG_PEEK)
            end = found.find(b"\n") + 1
            if not found or end:
                return connection.recv(end or 1)
            time.sleep(0.005)  # a part of the line: the rest is on its way
        now = time.monotonic()
        if not _is_up(home):
            up_since = now
        is_stopped = now - started > STOPPED_PATIENCE_S and lease.is_stopped(home)
        is_hung = now - up_since > GREETING_PATIENCE_S or now - started > START_PATIENCE_S
        if is_stopped or is_hung or now > deadline + GREETING_PATIENCE_S:
            raise lease.unresponsive(home)


def _is_up(home: Home) -> bool:
    """Whether the server has finished starting; before that it is allowed to be silent."""
    return not home.is_embedded and bool(lease.server_info(home).get("ready"))


def hang_up() -> None:
    """At the end of a process that served itself: finish writing, let go of every file."""
    embedded = sys.modules.get("mp_mcp.server.embedded")
    if embedded is not None:
        embedded.close()
