"""A client of the HTTP door that speaks MCP in either generation, with the standard library only.

Never waits without a bound.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.processes.agents import META, PATIENCE_S, Era, mp

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The JSON-RPC messages in it, as a document or as events."""
        if "event-stream" not in self.headers.get("content-type", ""):
            return [json.loads(self.body)]
        lines = [line for line in self.body.splitlines() if line.startswith("data:")]
        return [json.loads(line[5:]) for line in lines if line[5:].strip()]


class Place(NamedTuple):
    """An open HTTP door."""

    url: str
    token: str

    @classmethod
    def of(cls, environ: Mapping[str, str], *more: str) -> "Place":
        """Opened by `mp server start --http`."""
        started = mp(environ, "server", "start", "--http", *more)
        assert started.code == 0, started
        found = mp(environ, "server", "status", "--show-token", "-f", "json").json
        return cls(found["http"], found["token"])

    @property
    def port(self) -> int:
        """Where it is."""
        port = urlsplit(self.url).port
        assert port
        return port

    def ask(
        self,
        body: bytes = b"",
        *,
        method: str = "POST",
        path: str = "/mcp",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One HTTP request, with the token unless another one is given ("" for none)."""
        told = {**JSON, "Authorization": f"Bearer {self.token if token is None else token}"}
        if token == "":
            del told["Authorization"]
        told |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, told)
            found = connection.getresponse()
            text = found.read().decode()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, text)
        finally:
            connection.close()


class HttpAgent:
    """An MCP host at the HTTP door."""

    def __init__(self, place: Place, era: Era, name: str = "web agent") -> None:
        self.place = place
        self.era = era
        self._info = {"name": name, "version": "1"}
        self._headers: dict[str, str] = {}
        self._next_id = 0
        if era == "legacy":
            params = {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": self._info,
            }
            answer = self._posted("initialize", params)
            session = answer.headers["mcp-session-id"]
            self._headers = {"Mcp-Session-Id": session, "Mcp-Protocol-Version": "2025-11-25"}
            note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            assert place.ask(json.dumps(note).encode(), headers=self._headers).status == 202

    def _posted(self, method: str, params: Mapping[str, Any]) -> Answer:
        self._next_id += 1
        full = dict(params)
        headers = dict(self._headers)
        if self.era == "modern":
            info = {"io.modelcontextprotocol/clientInfo": self._info}
            full["_meta"] = {**META, **full.get("_meta", {}), **info}
            headers |= {"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method}
            if "name" in full:
                headers["Mcp-Name"] = full["name"]
        message = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": full}
        return self.place.ask(json.dumps(message).encode(), headers=headers)

    def request(self, method: str, **params: Any) -> list[dict[str, Any]]:
        """All messages that a request brings; its answer is the last one."""
        answer = self._posted(method, params)
        assert answer.status == 200, answer
        return answer.messages

    def result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a call, whole."""
        found: dict[str, Any] = self.request("tools/call", name=tool, arguments=arguments)[-1]
        assert "result" in found, found
        result: dict[str, Any] = found["result"]
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured result of a call; it must not be an error."""
        result = self.result(tool, **arguments)
        assert not result["isError"], result
        content: dict[str, Any] = result["structuredContent"]
        return content

    def close(self) -> None:
        """End the session, where there is one."""
        if self.era == "legacy":
            assert self.place.ask(method="DELETE", headers=self._headers).status == 200
