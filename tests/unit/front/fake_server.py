"""A shared server of canned lines: a thread at the socket of a state folder of its own.

Never runs a tool. It also holds the server's lock, as a real one does.
"""

import fcntl
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.settings import Home

PATIENCE_S = 30.0
Message = dict[str, Any]
NAMES = ("ACCOUNT", "USERNAME", "SECRET", "OAUTH_TOKEN", "PROJECT_ID", "REGION", "API_BASE_URL")


class Peer:
    """The server's end of one connection."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(PATIENCE_S)
        self.socket = connected
        self.heard: list[Message] = []
        self._lines = connected.makefile("rb")

    def hear(self) -> Message | None:
        """The client's next message, None when it hung up."""
        try:
            line = self._lines.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        message: Message = json.loads(line)
        self.heard.append(message)
        return message

    def tell(self, **message: Any) -> None:
        """Send one message."""
        self.socket.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def greet(self, **more: Any) -> None:
        """Hear the greeting and answer it."""
        self.hear()
        self.tell(id="hello", result={"version": "0.1.0", "pid": os.getpid(), **more})

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


Script = Callable[[Peer], None]


class FakeServer:
    """Plays one script per connection, the last one again and again."""

    def __init__(self, home: Home, scripts: tuple[Script, ...]) -> None:
        self.home = home
        self.peers: list[Peer] = []
        self._scripts = scripts
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home.socket))
        self._listener.listen(8)
        self._lock = os.open(home.run / "server.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def calls(self) -> list[Message]:
        """The parameters of every tools/call that was heard."""
        heard = [message for peer in self.peers for message in peer.heard]
        return [m["params"] for m in heard if m["method"] == "tools/call"]

    @property
    def greetings(self) -> list[Message]:
        """The parameters of every greeting that was heard."""
        heard = [message for peer in self.peers for message in peer.heard]
        return [m["params"] for m in heard if m["method"] == "mp/hello"]

    def leave(self) -> None:
        """Withdraw and release the lock; connections that exist go on."""
        self.home.socket.unlink(missing_ok=True)
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def stop(self) -> None:
        """Leave, and end every thread."""
        self.leave()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in self._threads)

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
            peer = Peer(connected)
            self.peers.append(peer)
            thread = threading.Thread(target=self._play, args=(script, peer))
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Script, peer: Peer) -> None:
        with suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
            script(peer)
        peer.close()


def answers(
    content: Message, *, progress: tuple[Message, ...] = (), is_error: bool = False
) -> Script:
    """A server that answers each call with the same content."""

    def script(peer: Peer) -> None:
        peer.greet()
        while (request := peer.hear()) is not None:
            for found in progress:
                params = {"progressToken": 1, **found}
                peer.tell(method="notifications/progress", params=params)
            result = {"structuredContent": content, "isError": is_error, "content": []}
            peer.tell(id=request["id"], result=result)

    return script


@contextmanager
def state_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """An empty MP_HOME with a short path, and no other settings."""
    path = Path(tempfile.mkdtemp(prefix="mp", dir="/tmp"))
    for name in NAMES:
        monkeypatch.delenv(f"MP_{name}", raising=False)
    monkeypatch.setenv("MP_HOME", str(path))
    monkeypatch.setenv("COLUMNS", "80")
    home = Home(path)
    home.create()
    try:
        yield home
    finally:
        shutil.rmtree(path)


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, *scripts: Script) -> Iterator[FakeServer]:
    """A fake server for the state folder that MP_HOME names meanwhile."""
    with state_folder(monkeypatch) as home:
        server = FakeServer(home, scripts)
        try:
            yield server
        finally:
            server.stop()
