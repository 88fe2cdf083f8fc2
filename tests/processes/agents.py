"""Real clients for tests: an agent that speaks MCP to a `mp-mcp` process, and the `mp` command.

Never waits without a bound, and never leaves a process behind.
"""

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

BIN = Path(sys.executable).parent
PATIENCE_S = 60.0

Era = Literal["legacy", "modern"]

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test agent", "version": "1"},
}


class Agent:
    """An MCP host with one `mp-mcp` as its stdio server. Use it as a context manager.

    At its end it audits `mp-mcp`: nothing on stderr but what it `says`, and no request answered
    twice.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        era: Era = "modern",
        command: Sequence[str] = (),
        says: str = "",
    ) -> None:
        self.era = era
        self._says = says
        self.process = subprocess.Popen(
            command or [str(BIN / "mp-mcp")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
        )
        self.replies: dict[Any, queue.SimpleQueue[dict[str, Any]]] = {}
        self.notes: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._next_id = 0
        self._lock = threading.Lock()
        self.answered: list[Any] = []
        self._stderr: list[bytes] = []
        self._readers = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read, self._read_stderr)
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> "Agent":
        if self.era == "legacy":
            self.request(
                "initialize",
                {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {},
                    "clientInfo": {"name": "test agent", "version": "1"},
                },
            )
            self.notify("notifications/initialized")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> int:
        """Close stdin, as a host does when it ends; the exit code of `mp-mcp`."""
        assert self.process.stdin and self.process.stdout and self.process.stderr
        if not self.process.stdin.closed:
            self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
            assert not reader.is_alive(), "somebody else keeps the pipes of mp-mcp open"
        self.process.stdout.close()
        self.process.stderr.close()
        assert re.fullmatch(self._says, b"".join(self._stderr).decode())
        assert len(set(self.answered)) == len(self.answered), f"twice: {self.answered}"
        assert set(self.answered) <= set(self.replies), f"never asked: {self.answered}"
        return code

    def start(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request; its id."""
        with self._lock:
            self._next_id += 1
            number = self._next_id
            self.replies[number] = queue.SimpleQueue()
            full = dict(params or {})
            if self.era == "modern":
                full["_meta"] = {**META, **full.get("_meta", {})}
            self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": full})
        return number

    def wait(self, number: int) -> dict[str, Any]:
        """The answer to a request, whole."""
        return self.replies[number].get(timeout=PATIENCE_S)

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and return its result."""
        answer = self.wait(self.start(method, params))
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def start_call(self, tool: str, **arguments: Any) -> int:
        """Start a tool call; its progress arrives in `notes`."""
        meta = {"progressToken": f"progress of {tool}"}
        return self.start("tools/call", {"name": tool, "arguments": arguments, "_meta": meta})

    def finish(self, number: int) -> dict[str, Any]:
        """The structured result of a call that was started; it must not be an error."""
        result = self.wait(number)["result"]
        assert not result["isError"], result
        content: dict[str, Any] = result["structuredContent"]
        return content

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured result; it must not be an error."""
        return self.finish(self.start_call(tool, **arguments))

    def error(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must fail; its error."""
        result = self.wait(self.start_call(tool, **arguments))["result"]
        assert result["isError"], result
        content: dict[str, Any] = result["structuredContent"]
        return content

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a notification."""
        with self._lock:
            self._write({"jsonrpc": "2.0", "method": method, "params": dict(params or {})})

    def _write(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            message = json.loads(line)
            if "method" in message:
                self.notes.put(message)
                continue
            self.answered.append(message["id"])
            if message["id"] in self.replies:
                self.replies[message["id"]].put(message)

    def _read_stderr(self) -> None:
        assert self.process.stderr
        self._stderr += self.process.stderr


class Finished:
    """What a command did."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        assert "Traceback" not in stdout + stderr, stdout + stderr

    @property
    def json(self) -> Any:
        """Its answer; it must have succeeded."""
        assert self.code == 0, self
        return json.loads(self.stdout)

    @property
    def rows(self) -> list[list[Any]]:
        """The rows of its answer."""
        rows: list[list[Any]] = self.json["rows"]
        return rows

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.stdout}\n{self.stderr}"


class Command:
    """A running `mp`; `end_unfinished` ends those that a failed test did not wait for."""

    unfinished: ClassVar[set["Command"]] = set()

    def __init__(self, environ: Mapping[str, str], *words: str, stdin: str = "") -> None:
        self.process = subprocess.Popen(
            [BIN / "mp", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            text=True,
        )
        self._stdin = stdin
        self.unfinished.add(self)

    def finish(self, patience_s: float = PATIENCE_S) -> Finished:
        """Wait for its end."""
        stdout, stderr = self.process.communicate(self._stdin, timeout=patience_s)
        self.unfinished.discard(self)
        return Finished(self.process.returncode, stdout, stderr)

    @classmethod
    def end_unfinished(cls) -> None:
        """Kill what still runs, so that it does not spoil the next test."""
        while cls.unfinished:
            process = cls.unfinished.pop().process
            process.kill()
            process.communicate()


def mp(environ: Mapping[str, str], *words: str, stdin: str = "") -> Finished:
    """Run `mp` to its end."""
    return Command(environ, *words, stdin=stdin).finish()


def bare_environ() -> dict[str, str]:
    """This environment without anything of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MP_")}
