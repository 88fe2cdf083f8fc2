"""The simulated Mixpanel as an ASGI application: one base URL for all of its APIs.

Never raises for what a client does: every request gets an answer, or the fault that was ordered.
"""

import importlib
import pkgutil
from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from mp_mcp import demo
from mp_mcp.demo.admission import Place, take_place
from mp_mcp.demo.answers import fault_answer, spoilt_answer
from mp_mcp.demo.auth import authenticate
from mp_mcp.demo.control import control
from mp_mcp.demo.faults import (
    BYTE_FAULTS,
    ConnectionCutError,
    Fault,
    breaking,
    hold,
    stalling,
    take_fault,
)
from mp_mcp.demo.wire import Call, WireError, error_response, find_endpoint, read_params
from mp_mcp.demo.world import World

ENDPOINT_MODULES = tuple(
    importlib.import_module(f"{demo.__name__}.{module.name}")
    for module in pkgutil.iter_modules(demo.__path__)
    if module.name.startswith("endpoints_")
)
"""Imported so that their endpoints are known."""

PREFIXES = (
    ("/api/query", "query"),
    ("/api/app", "app"),
    ("/api/2.0/export", "export"),
    # The old name of the query prefix still works.
    ("/api/2.0", "query"),
)
CONTROL = "/_sim/"
HIDDEN_HEADERS = ("authorization", "cookie", "proxy-authorization")
MAX_LOGGED_BODY = 64_000


class MixpanelSimulator:
    """The ASGI application over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path = request.url.path
        if path.startswith(CONTROL):
            response = await control(self.world, request, path.removeprefix(CONTROL).strip("/"))
            await response(scope, receive, send)
            return
        self._running[path] += 1
        entry = await _log_entry(request)
        entry["concurrent"] = self._running[path]
        entry["at"] = self.world.clock()
        self.world.log.append(entry)

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            entry["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._answer(request, observed, entry)
        except ConnectionCutError:
            # Returning before the answer has ended makes the server drop the connection.
            entry["cut"] = True
        finally:
            entry["done"] = True
            self._running[path] -= 1

    async def _answer(self, request: Request, send: Send, entry: dict[str, Any]) -> None:
        api, rest = _api_of(str(request.scope.get("raw_path", b"").decode("latin-1")))
        call = Call(self.world, api, request, await read_params(request))
        entry["params"] = call.params
        place = Place()
        try:
            try:
                endpoint, call.path = find_endpoint(api, rest, request.method)
                authenticate(call)
                place = take_place(call, rest, entry)
                await self._meet_fault(call, entry)
                right = _instead(call) or await endpoint.answer(call)
                response = spoilt_answer(call.fault, right)
            except WireError as error:
                response, call.fault = error_response(api, request, error), None
            if call.fault is None or call.fault.fault != "load_shed":
                place.describe(response)
            await _send(response, request, place.leaving(send, entry), call.fault)
        finally:
            place.leave(entry["status"] or 0)

    async def _meet_fault(self, call: Call, entry: dict[str, Any]) -> None:
        fault = take_fault(self.world.faults, call.request.url.path, call.params)
        if fault is not None:
            call.fault = fault
            entry["fault"] = fault.fault
            if fault.fault != "stall":
                await hold(fault)


def _api_of(path: str) -> tuple[str, str]:
    """Which API a path belongs to, and the path within it."""
    for prefix, api in PREFIXES:
        if path.rstrip("/") == prefix or path.startswith(prefix + "/"):
            return api, "/export" if api == "export" else path[len(prefix) :]
    return "app", path


def _instead(call: Call) -> Response | None:
    if call.fault is None:
        return None
    project_id = str(call.params.get("project_id", ""))
    return fault_answer(call.fault, call.api, call.request, project_id)


async def _send(response: Response, request: Request, send: Send, fault: Fault | None) -> None:
    if fault is not None and fault.fault in BYTE_FAULTS:
        send = (stalling if fault.fault == "stall" else breaking)(fault, send)
    await response(request.scope, request.receive, send)


async def _log_entry(request: Request) -> dict[str, Any]:
    body = await request.body()
    headers = {name: text for name, text in request.headers.items() if name not in HIDDEN_HEADERS}
    return {
        "method": request.method,
        "path": request.url.path,
        "query": dict(request.query_params),
        "headers": headers,
        "body": body[:MAX_LOGGED_BODY].decode(errors="replace"),
        "at": 0.0,
        "in_flight": None,
        "status": None,
        "bytes": 0,
        "done": False,
    }
