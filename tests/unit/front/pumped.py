"""A running `mp-mcp`, as its host sees it: lines in, lines out.

Never leaves a process behind, never waits without a bound.
"""

import json
import queue
import subprocess
import sys
import threading
from typing import Any

from tests.unit.front.fake_server import PATIENCE_S, Message, Peer, Script

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Pumped:
    """The process and its pipes. Use it as a context manager."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mp_mcp.front.agent", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> "Pumped":
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stdin.close()
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()
            if self._reader.is_alive():
                self._reader.join(PATIENCE_S)
            self.stdout.close()
            assert self.process.stderr
            complaints = self.process.stderr.read()
            self.process.stderr.close()
        assert b"Traceback" not in complaints, complaints.decode()

    def say(self, message: object) -> None:
        """Send one message."""
        self.stdin.write(json.dumps(message).encode() + b"\n")
        self.stdin.flush()

    def ask(self, number: Any, method: str, *, is_modern: bool = False, **params: Any) -> None:
        """Send a request."""
        if is_modern:
            params["_meta"] = META
        self.say({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def note(self, method: str, params: Any = None) -> None:
        """Send a notification."""
        self.say({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def hear_line(self) -> bytes:
        """The next line, byte for byte; empty at the end."""
        return self._lines.get(timeout=PATIENCE_S)

    def hear(self) -> Message:
        """The next message."""
        message: Message = json.loads(self.hear_line())
        return message

    def end(self) -> int:
        """Close stdin, as a host does; the exit code. Nothing more may have been said."""
        self.stdin.close()
        code = self.process.wait(PATIENCE_S)
        assert self.hear_line() == b""
        return code

    def _read(self) -> None:
        for line in self.stdout:
            self._lines.put(line)
        self._lines.put(b"")


def echo(peer: Peer) -> None:
    """A server that answers every request with what it heard."""
    peer.greet()
    while (message := peer.hear()) is not None:
        if "id" in message:
            peer.tell(id=message["id"], result={"heard": message["method"]})


def dying_after(count: int) -> Script:
    """A server that hears so many messages after the greeting, and goes without a word."""

    def script(peer: Peer) -> None:
        peer.greet()
        for _ in range(count):
            peer.hear()

    return script
