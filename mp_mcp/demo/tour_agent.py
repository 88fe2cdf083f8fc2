"""A tiny MCP host for the tour: one `mp-mcp` over stdio, one call at a time.

Never uses the SDK, so that it shows what goes over the wire.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from mp_mcp.errors import MpError

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tour", "version": "1"},
}


class TourAgent:
    """What Claude, Cursor or VS Code would be."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mp_mcp.front.agent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environ),
        )

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool. Raises: MpError when its answer is an error."""
        params = {"name": tool, "arguments": arguments, "_meta": META}
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise MpError("The agent has no pipes.")
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline() or b"{}").get("result", {})
        content: dict[str, Any] = answer.get("structuredContent", {})
        if not content or answer.get("isError"):
            raise MpError(content.get("message", "The agent got no answer."))
        return content

    def close(self) -> None:
        """Close its stdin, as a host does at its end."""
        with self._process as process:
            if process.stdin:
                process.stdin.close()
            process.wait(10)
