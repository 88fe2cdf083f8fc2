"""Raw clients of a real server: one that sends anything, and one that must not notice.

Never waits without a bound, and judges every line that the server says.
"""

import json
import socket
from typing import Any, Self

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.unit.server.talk import META

PATIENCE_S = 60.0
HELLO: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "mp/hello",
    "params": {"version": "0", "label": "fuzz", "asking": {"project_id": "1001"}},
}
SENTINEL = "sentinel"
"""Id of the request that follows whatever is sent."""

INTERNALS = (b"Traceback", b'File \\"', b".py", b"pydantic", b"mp_mcp.", b"site-packages")


def request(number: Any, method: str, **params: Any) -> dict[str, Any]:
    """A request of the newest revision."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, "_meta": META}}


def call(number: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of the newest revision."""
    return request(number, "tools/call", name=tool, arguments=arguments)


def line(message: Any) -> bytes:
    """A message as a line of the wire."""
    return json.dumps(message).encode() + b"\n"


class Stranger:
    """A connection on which anything may be sent. Use it as a context manager."""

    def __init__(self, home: Home) -> None:
        self._socket = lease.dial(home)
        self._socket.settimeout(PATIENCE_S)
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Bytes as they are; a server that has hung up is no failure."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def hang_up(self) -> None:
        """Say that nothing more will come."""
        self._socket.shutdown(socket.SHUT_WR)

    def hear(self) -> dict[str, Any] | None:
        """The server's next message, without internals of ours; None when it has hung up."""
        try:
            found = self._lines.readline()
        except ConnectionResetError:
            return None
        if not found:
            return None
        assert found.endswith(b"\n"), found
        assert not [word for word in INTERNALS if word in found], found[:2_000]
        message: dict[str, Any] = json.loads(found, parse_constant=_refused)
        assert message["jsonrpc"] == "2.0"
        assert set(message) & {"result", "error", "method"}, message
        return message

    def hear_all(self, until: Any = None) -> list[dict[str, Any]]:
        """All messages up to the answer of that id, or until the server hangs up."""
        heard: list[dict[str, Any]] = []
        while (message := self.hear()) is not None:
            heard.append(message)
            if until is not None and message.get("id") == until:
                break
        return heard


class Witness(Stranger):
    """A well-behaved client beside the others: its questions are always answered, and rightly."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._asked = 0
        self.send(line(HELLO))
        assert self.hear_all("hello")

    def ask(self) -> None:
        """Ask one question; the next message is the right answer."""
        self._asked += 1
        self.send(line(call(self._asked, "query_sql", sql=f"SELECT {self._asked}")))
        answer = self.hear()
        assert answer is not None, "the server hung up on a client that did nothing wrong"
        assert answer["id"] == self._asked
        assert answer["result"]["structuredContent"]["rows"] == [[self._asked]]


def _refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
