"""mp-mcp: a pump between an agent's stdin/stdout and the shared server, which it outlives.

Standard library only, so that it starts in milliseconds. It never answers for the server, except
to say that the server went away, and never keeps more than the handshake and the open requests.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from mp_mcp.errors import ExitCode, MpError
from mp_mcp.front.agent_flags import read
from mp_mcp.front.greet import Greeted, greet, hang_up
from mp_mcp.front.messages import (
    NOT_YOURS,
    TOO_LONG,
    WENT_AWAY,
    Request,
    is_unstarted,
    key_of,
    parsed,
    refusal,
    request_of,
    standing_after,
)
from mp_mcp.front.watch import Watch
from mp_mcp.server import lease
from mp_mcp.server.lease import LONGEST_LINE
from mp_mcp.settings import Asking, Home, asking, find_home

STDIN, STDOUT = 0, 1
REPLAY_ID = "mp-replayed-handshake"
LAST_WORDS_S = 0.05
"""How long open requests may still be answered after stdin has ended."""

REPEATS = 3
"""A request that ends one server after the other is given up after so many repetitions."""


class Pump:
    """One agent. Two threads use it: one reads the agent, one the server; `_lock` is for both."""

    def __init__(self, home: Home, asking: Asking, choice: Mapping[str, Any]) -> None:
        """`choice` is which tools the agent shall have."""
        self._home = home
        self._asking = asking
        self._choice = choice
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._open: dict[str, Request] = {}
        self._answered = threading.Event()
        self._server: socket.socket | None = None
        self._handshake: Request | None = None
        self._initialized: bytes | None = None
        self._unstarted: set[str] = set()
        self._standing: dict[str, Any] = {}
        self._losses = 0
        self._pid = 0
        self._hung: tuple[socket.socket, MpError] | None = None
        self._watch = Watch(self._waits_for, self._report, _leave)

    def run(self) -> None:
        """Pump until the agent closes its side."""
        for line in lines(lambda size: os.read(STDIN, size)):
            if line.strip():
                self.from_agent(line)
        self._wait_for_last_words()
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)

    def from_agent(self, line: bytes) -> None:
        """Pass one message on; a request brings the server back when it has gone."""
        message = parsed(line)
        request = request_of(message, line)
        if len(line) > LONGEST_LINE:
            if request is not None:
                self._refuse(request, TOO_LONG)
            return
        if request is not None and request.method.startswith("mp/"):
            self._refuse(request, NOT_YOURS)
            return
        with self._lock:
            if request is not None:
                self._open[key_of(request.id)] = request
                self._watch.asked()
            elif message.get("method") == "notifications/initialized":
                self._initialized = line
            elif message.get("method") == "notifications/cancelled":
                # A cancelled request is not answered, so nobody waits for it any more.
                params = message.get("params")
                named = params.get("requestId") if isinstance(params, dict) else None
                self._open.pop(key_of(named), None)
            if request is None and self._server is None:
                return  # a note about requests of a server that has gone
            self._send(line, request)

    def _send(self, line: bytes, request: Request | None) -> None:
        try:
            server = self._server or self._connect()
        except (MpError, OSError) as error:
            if request is not None:
                self._refuse(request, error if isinstance(error, MpError) else WENT_AWAY)
            return
        try:
            server.sendall(line)
        except OSError:
            self._lost(server, unsent=request)

    def _connect(self) -> socket.socket:
        """A new connection, with the agent's handshake replayed on it."""
        greeted = self._greeted()
        self._standing = self._standing or greeted.standing
        server = greeted.socket
        if self._handshake is not None:
            replayed = parsed(self._handshake.line) | {"id": REPLAY_ID}
            server.sendall(json.dumps(replayed).encode() + b"\n")
            server.sendall(self._initialized or b"")
        self._server = server
        threading.Thread(target=self._read, args=(server,), daemon=True).start()
        self._pid = greeted.pid
        return server

    def _greeted(self) -> Greeted:
        """A server that knows who asks: the shared one, or else one in this process."""
        try:
            return self._greet()
        except lease.NotStarted as found:
            sys.stderr.write(
                f"mp-mcp: {found.reason.message} Going on with a server of its own, as with "
                "MP_SERVER=off: nothing is shared with mp and other agents.\n"
            )
            sys.stderr.flush()
        self._home.is_embedded = True
        return self._greet()

    def _greet(self) -> Greeted:
        known, choice = self._standing, self._choice
        return greet(self._home, self._asking, kind="agent", known=known, choice=choice)

    def _waits_for(self) -> int | None:
        return self._pid if self._open and self._server is not None else None

    def _report(self, why: MpError) -> None:
        """The server was stopped. Its connection ends: a thread may be stuck writing to it."""
        server = self._server
        if server is not None:
            self._hung = server, why
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)

    def _read(self, server: socket.socket) -> None:
        for line in lines(server.recv):
            self._from_server(line)
        with self._lock:
            self._lost(server)
        server.close()

    def _from_server(self, line: bytes) -> None:
        message = parsed(line)
        if "method" not in message and not self._settled(message):
            return
        write(self._writing, line)
        if not self._open:
            self._answered.set()

    def _settled(self, message: dict[str, Any]) -> bool:
        """Whether this answer is the agent's to see: the first one to a request of its own."""
        key = key_of(message.get("id"))
        with self._lock:
            if is_unstarted(message):
                self._unstarted.add(key)  # sent again when the leaving server has gone
                return False
            request = self._open.pop(key, None)
            if request is None:
                # An answer without an id is about a line that the server could not read.
                return message.get("id") is None
            self._losses = 0
            self._standing = standing_after(message, self._standing)
            if request.method == "initialize" and "result" in message:
                self._handshake = request
            return True

    def _lost(self, server: socket.socket, unsent: Request | None = None) -> None:
        """The server went away: fail what may have happened already, repeat what is harmless."""
        if self._server is not server:
            return
        self._server = None
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # wakes its reader, which closes it
        self._losses += 1
        hung = self._hung[1] if self._hung and self._hung[0] is server else None
        for request in list(self._open.values()):
            was_not_started = request is unsent or key_of(request.id) in self._unstarted
            harmless = request.method != "tools/call" or was_not_started
            if hung or not harmless or self._losses > REPEATS:
                self._refuse(request, hung or WENT_AWAY)
        self._unstarted.clear()
        if self._open:
            self._repeat(list(self._open.values()))

    def _repeat(self, requests: list[Request]) -> None:
        try:
            server = self._connect()
        except (MpError, OSError) as error:
            for request in requests:
                self._refuse(request, error if isinstance(error, MpError) else WENT_AWAY)
            return
        try:
            server.sendall(b"".join(request.line for request in requests))
        except OSError:
            self._lost(server)

    def _refuse(self, request: Request, error: MpError) -> None:
        self._open.pop(key_of(request.id), None)
        write(self._writing, refusal(request, error))

    def _wait_for_last_words(self) -> None:
        self._answered.clear()
        if self._open:
            self._answered.wait(LAST_WORDS_S)


def lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Lines with their ends, until the other side closes or resets."""
    rest = b""
    while True:
        try:
            chunk = read(1 << 16)
        except OSError:
            return
        if not chunk:
            return
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"


def write(lock: threading.Lock, line: bytes) -> None:
    """Write one whole line to the agent; when it has gone, so do we."""
    with lock:
        try:
            while line:
                line = line[os.write(STDOUT, line) :]
        except OSError:
            os._exit(0)


def _leave() -> None:
    """The host has died without closing the pipe: nobody reads what we write."""
    hang_up()
    os._exit(0)


def main() -> None:
    """The command `mp-mcp`."""
    try:
        flags, choice = read(sys.argv[1:])
        Pump(find_home(), asking(os.environ, **flags), choice).run()
        hang_up()
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except MpError as error:
        hint = f"\nhint: {error.hint}" if error.hint else ""
        sys.stderr.write(f"mp-mcp: {error.message}{hint}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
