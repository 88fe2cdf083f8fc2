"""Our protocol server with the suite's fixtures beside it, over Streamable HTTP on loopback.

Never replaces what serves our tools: listing and calling go through the product, fixtures or not.
"""

import logging
import socket
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import ListenHandler
from mcp.shared.exceptions import MCPDeprecationWarning

from mp_mcp.accounts import ServerSettings
from mp_mcp.server import protocol
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.job_table import JobTable
from mp_mcp.server.session import Greeting, Session
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Home
from tests.conformance import asking, contents, input_required, prompts, resources
from tests.conformance.fixtures import Answer, Context
from tests.conformance.own_tools import own_tools

FIXTURES = {**contents.FIXTURES, **asking.FIXTURES, **input_required.FIXTURES}


def build(home: Home) -> Server[Session]:
    """The product's server, with fixtures."""
    tools = own_tools()
    server = protocol.build()
    workspaces = Workspaces(home, ServerSettings())
    jobs = JobRunner(tools, lambda: JobTable(workspaces.state()))

    @asynccontextmanager
    async def lifespan(_: Server[Session]) -> AsyncIterator[Session]:
        yield Session(workspaces, tools, Greeting({"toolsets": ["all"]}), jobs)

    server.lifespan = lifespan
    security = RequestStateSecurity.ephemeral()
    server.middleware.append(RequestStateBoundary(security, default_audience=server.name))
    _add_tools(server)
    _add_the_rest(server)
    return server


def _add_tools(server: Server[Session]) -> None:
    listing, calling = (_handler(server, method) for method in ("tools/list", "tools/call"))

    async def list_tools(ctx: Context, params: types.PaginatedRequestParams) -> Any:
        ours: types.ListToolsResult = await listing(ctx, params)
        ours.tools += [fixture.listed() for fixture in FIXTURES.values()]
        return ours

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> Answer:
        if params.name in FIXTURES:
            return await FIXTURES[params.name].answer(ctx, params)
        answer: Answer = await calling(ctx, params)
        return answer

    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)


def _handler(server: Server[Session], method: str) -> Any:
    found = server.get_request_handler(method)
    assert found is not None
    return found.handler


def _add_the_rest(server: Server[Session]) -> None:
    async def set_level(_: Context, __: types.SetLevelRequestParams) -> types.EmptyResult:
        return types.EmptyResult()

    page = types.PaginatedRequestParams
    for method, params, handler in (
        ("resources/list", page, resources.list_resources),
        ("resources/templates/list", page, resources.list_templates),
        ("resources/read", types.ReadResourceRequestParams, resources.read_resource),
        ("resources/subscribe", types.SubscribeRequestParams, resources.subscribe),
        ("resources/unsubscribe", types.UnsubscribeRequestParams, resources.unsubscribe),
        ("prompts/list", page, prompts.list_prompts),
        ("prompts/get", types.GetPromptRequestParams, prompts.get_prompt),
        ("completion/complete", types.CompleteRequestParams, prompts.complete),
        ("logging/setLevel", types.SetLevelRequestParams, set_level),
        (
            "subscriptions/listen",
            types.SubscriptionsListenRequestParams,
            ListenHandler(contents.CHANGES),
        ),
    ):
        added: tuple[str, Any, Any] = (method, params, handler)
        server.add_request_handler(*added)


def main() -> None:
    """Serve at a free port, which is the first line of the output, until ended."""
    logging.basicConfig(level="ERROR")
    # The suite also asks for what the newest revision calls deprecated.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    with tempfile.TemporaryDirectory(prefix="mp-") as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = build(Home(Path(folder))).streamable_http_app()
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
