"""How an endpoint sees a request and how it refuses one.

Never knows an endpoint by name: `endpoint` collects them as their modules are imported.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import compile_path

from mp_mcp.demo.expressions import Expression, ExpressionError, compile_expression
from mp_mcp.demo.faults import Fault
from mp_mcp.demo.values import FUNCTIONS, datetime_function
from mp_mcp.demo.world import Account, Project, World

LAST_YEAR = 2100
"""Later dates are refused: what follows them would be no date any more."""


class WireError(Exception):
    """A refusal; the API that was called decides the shape of its body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        plain: bool = False,
        with_url: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.plain = plain
        self.with_url = with_url
        self.details = details


Structure = TypeVar("Structure", list[Any], dict[str, Any])


@dataclass
class Call:
    """One authenticated request: what it asks, of which project, by whom."""

    world: World
    api: str
    request: Request
    params: dict[str, Any]
    """Query string and body merged; the body wins, and keeps its JSON values."""
    path: dict[str, str] = field(default_factory=dict)
    account: Account | None = None
    project: Project = field(init=False)
    fault: Fault | None = None

    def text(self, name: str) -> str:
        """A required parameter."""
        value = self.params.get(name)
        if value in (None, ""):
            raise WireError(400, f"Missing required parameter: {name}")
        return str(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """A parameter with a fixed set of values."""
        value = str(self.params.get(name, default)) if default else self.text(name)
        if value not in choices:
            raise WireError(400, f"Invalid {name}: {value}. Must be one of {', '.join(choices)}")
        return value

    def integer(self, name: str, default: int, low: int = 1, high: int | None = None) -> int:
        """A number within its bounds."""
        value = str(self.params.get(name, default))
        if not value.lstrip("-").isdecimal():
            raise WireError(400, f"Error in {name}: {value} is not an integer")
        number = int(value)
        if number < low or (high is not None and number > high):
            raise WireError(400, f"Error in {name}: {number} is out of range")
        return number

    def day(self, name: str) -> date:
        """A required date."""
        value = self.text(name)
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise WireError(400, f"Error in {name}: invalid date, {value}") from error
        if len(value) != len("2025-01-01"):
            raise WireError(400, f"Error in {name}: invalid date, {value}")
        if not 2000 <= day.year <= LAST_YEAR:
            raise WireError(400, f"Error in {name}: invalid date, bad year")
        return day

    def days(self) -> tuple[date, date]:
        """The range of dates, both ends included, within the project's history."""
        first, last = self.day("from_date"), self.day("to_date")
        if last < first:
            raise WireError(400, "Error in to_date: to_date cannot be before from_date")
        reach = self.world.switches.history_days
        if reach and (self.project.story.today - first).days > reach:
            raise WireError(403, f"Date range exceeds {reach} days into the past")
        return first, last

    def structure(self, name: str, kind: type[Structure]) -> Structure | None:
        """A JSON array or object, as text or as such; None when it is absent."""
        value = self.params.get(name)
        if value in (None, ""):
            return None
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            parsed = None
        if not isinstance(parsed, kind):
            noun = "array" if kind is list else "object"
            raise WireError(400, f"Error in {name}: must be a JSON {noun}")
        return parsed

    def strings(self, name: str) -> list[str] | None:
        """A JSON array of strings; None when it is absent."""
        parsed: list[Any] | None = self.structure(name, list)
        if parsed is not None and not all(isinstance(item, str) for item in parsed):
            raise WireError(400, f"Error in {name}: must be a JSON array of strings")
        return parsed

    def flag(self, name: str, default: bool) -> bool:
        """A boolean, as JSON or as text."""
        value = str(self.params.get(name, default)).lower()
        if value not in ("true", "false", "1", "0"):
            raise WireError(400, f"Error in {name}: {value} is not a boolean")
        return value in ("true", "1")

    def expression(self, name: str) -> Expression | None:
        """A parameter in the expression language; None when it is absent."""
        value = self.params.get(name)
        if value in (None, ""):
            return None
        functions = {**FUNCTIONS, "datetime": datetime_function(self.project.zone)}
        try:
            return compile_expression(str(value), functions)
        except ExpressionError as error:
            # The export says little about what it cannot read, and not even as JSON.
            raise WireError(400, str(error), plain=self.api == "export") from error


Quick = Callable[[Call], Awaitable[Response]]
Working = Callable[[Call], Response]


@dataclass(frozen=True)
class Endpoint:
    """One function that answers the requests of one path."""

    api: str
    template: str
    methods: tuple[str, ...]
    function: Quick | Working
    pattern: re.Pattern[str]

    async def answer(self, call: Call) -> Response:
        """Run it: coroutines on the event loop, plain functions in a worker thread."""
        if inspect.iscoroutinefunction(self.function):
            return await cast(Quick, self.function)(call)
        return await run_in_threadpool(cast(Working, self.function), call)


Answering = TypeVar("Answering", Quick, Working)

ENDPOINTS: list[Endpoint] = []


def endpoint(api: str, template: str, *methods: str) -> Callable[[Answering], Answering]:
    """Answer `template` (such as `/projects/{project_id}/bookmarks`) of `api` with a function.

    Plain functions run in a worker thread.
    """

    def register(function: Answering) -> Answering:
        pattern = compile_path(template)[0]
        ENDPOINTS.append(Endpoint(api, template, methods or ("GET",), function, pattern))
        return function

    return register


def scoped_endpoint(template: str, *methods: str) -> Callable[[Answering], Answering]:
    """Answer `template` of the app API below a project, and below each of its data views."""

    def register(function: Answering) -> Answering:
        endpoint("app", f"/projects/{{project_id}}{template}", *methods)(function)
        return endpoint("app", f"/workspaces/{{workspace_id}}{template}", *methods)(function)

    return register


def find_endpoint(api: str, raw_path: str, method: str) -> tuple[Endpoint, dict[str, str]]:
    """The endpoint for a still percent-encoded path, and the values within the path."""
    raw_path = "/" + raw_path.strip("/")
    allowed: set[str] = set()
    for one in ENDPOINTS:
        match = one.pattern.match(raw_path) if one.api == api else None
        if match is None:
            continue
        if method in one.methods:
            return one, {name: unquote(value) for name, value in match.groupdict().items()}
        allowed.update(one.methods)
    if allowed:
        raise WireError(405, "", headers={"Allow": ", ".join(sorted(allowed))})
    if api == "app":
        raise WireError(404, f"Not found: /api/app{raw_path}")
    raise WireError(400, "Invalid API endpoint")


async def read_params(request: Request) -> dict[str, Any]:
    """The query string, overlaid by the body, which is tried as JSON first, then as a form."""
    params: dict[str, Any] = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body = (await request.body()).decode(errors="replace")
    if not body:
        return params
    try:
        parsed = json.loads(body)
    except ValueError:
        return params | dict(parse_qsl(body, keep_blank_values=True))
    return params | parsed if isinstance(parsed, dict) else params


def error_response(api: str, request: Request, error: WireError) -> Response:
    """The refusal in the shape of its API."""
    if error.status == 405:
        return Response(status_code=405, headers=error.headers)
    if error.plain:
        return PlainTextResponse(error.message, error.status, error.headers)
    body: dict[str, Any]
    if api == "app":
        body = {"status": "error", "error": error.message}
        if error.details is not None:
            body["details"] = error.details
    elif api == "export" and error.status == 429:
        body = {"error": error.message}
    else:
        where = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        prefix = "https://mixpanel.com" if error.with_url else ""
        body = {"request": prefix + where, "error": error.message}
    return JSONResponse(body, error.status, error.headers)
