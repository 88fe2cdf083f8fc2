"""`mp server config CLIENT`: what to write into an MCP client's settings.

Never shows a secret that was not asked for, and never writes into another program's files.
"""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mp_mcp.errors import SettingsError, UsageError
from mp_mcp.front import link, render, talk
from mp_mcp.front.admin import token_of
from mp_mcp.front.command import Argument, command
from mp_mcp.front.flags import Flags, Option
from mp_mcp.resolve import base_url_name
from mp_mcp.server import lease
from mp_mcp.settings import Home, asking, find_home

NAME = "mixpanel"
TOKEN_VARIABLE = "MIXPANEL_MCP_TOKEN"  # noqa: S105 - a name, for the client to read
PLACEHOLDER = "TOKEN"
"""Where a client reads no variable."""

PASSED_ON = (
    *("MP_HOME", "MP_ACCOUNT", "MP_PROJECT_ID", "MP_REGION", "MP_WORKSPACE_ID"),
    # An agent without it would ask the real Mixpanel.
    "MP_API_BASE_URL",
)
"""Desktop programs see nothing of the shell's environment. Secrets are not among these."""

Config = dict[str, Any]


class Door(NamedTuple):
    """The HTTP door, and the token or what stands for it (by the client's own rules)."""

    url: str
    token: str | None


class Client(NamedTuple):
    """An MCP client: where its settings are, and what they look like."""

    place: str
    stdio: Callable[[Config], Config]
    http: Callable[[Door], Config]
    stdio_command: Callable[[Config], list[str]] | None = None
    http_command: Callable[[Door], list[str]] | None = None


@command(
    Argument("client", "CLIENT", "claude-code, claude-desktop, cursor, vscode or inspector"),
    Option("http", ("--http",), "For the HTTP door instead of stdio"),
    Option("show_token", ("--show-token",), "Write the token into it instead of a placeholder"),
)
def config(flags: Flags, client: str, http: bool = False, show_token: bool = False) -> None:
    """Print how an MCP client is configured: JSON on stdout, where it goes on stderr.

    Stdio is the better way: it starts the server when it is needed, and needs no token. The
    absolute path of mp-mcp is in it, because desktop programs do not know your PATH.
    """
    found = CLIENTS.get(client)
    if found is None:
        raise UsageError(
            f"No client {client!r} is known.", hint=f"Known clients: {', '.join(CLIENTS)}."
        )
    words: list[str] | None
    if http:
        door = _door(find_home(), show_token=show_token)
        entry = found.http(door)
        words = found.http_command(door) if found.http_command else None
    else:
        server = _stdio(flags)
        entry = found.stdio(server)
        words = found.stdio_command(server) if found.stdio_command else None
    _print(flags, entry, words)
    if not flags.quiet:
        talk.say(f"hint: this goes into {found.place}")
        if words is not None:
            talk.say(f"hint: or run: {shlex.join(words)}")
        if http and not show_token:
            talk.say(
                f"hint: the token is not in it: {_token_goes(entry)}; "
                "`mp server status --show-token` shows it"
            )


def _token_goes(entry: Config) -> str:
    """What the person does about the token that the configuration lacks."""
    text = json.dumps(entry)
    if "${input:" in text:
        return "type it when asked"
    return f"set {TOKEN_VARIABLE}" if TOKEN_VARIABLE in text else f"replace the word {PLACEHOLDER}"


def _print(flags: Flags, entry: Config, words: list[str] | None) -> None:
    if flags.format == "plain" and words is not None:
        render.write(shlex.join(words) + "\n")
    else:
        indent = None if flags.format in ("jsonl", "csv") else 2
        render.write(json.dumps(entry, indent=indent, ensure_ascii=False) + "\n")


def _stdio(flags: Flags) -> Config:
    environ = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    if "MP_API_BASE_URL" in environ:
        base_url_name(environ["MP_API_BASE_URL"])  # refuses one that may hold a secret
    if "MP_HOME" in environ:
        environ["MP_HOME"] = find_home().name  # the client runs it in a folder of its own
    chosen = {
        "MP_ACCOUNT": flags.account,
        "MP_PROJECT_ID": flags.project,
        "MP_WORKSPACE_ID": flags.workspace,
    }
    environ |= {name: value for name, value in chosen.items() if value}
    found: Config = {"command": _absolute("mp-mcp"), "args": []}
    return {**found, "env": environ} if environ else found


def _absolute(program: str) -> str:
    """The program beside this one, else the one on the PATH. Raises: SettingsError."""
    for folder in (Path(sys.argv[0]).absolute().parent, Path(sys.executable).parent):
        if os.access(folder / program, os.X_OK):
            return str(folder / program)
    found = shutil.which(program)
    if found is None:
        raise SettingsError(f"{program} was not found.", hint="Install mp-mcp again.")
    return str(Path(found).absolute())


def _door(home: Home, *, show_token: bool) -> Door:
    try:
        status = link.ask(home, asking(), "mp/status", start=False).result
    except lease.Absent:
        status = {}
    token = token_of(home, status)
    return Door(status["http"], token if show_token else None)


def _bearer(door: Door, otherwise: str) -> Config:
    return {"Authorization": f"Bearer {door.token or otherwise}"}


def _servers(entry: Mapping[str, Any]) -> Config:
    return {"mcpServers": {NAME: dict(entry)}}


def _with_variable(kind: str | None, variable: str) -> Callable[[Door], Config]:
    def made(door: Door) -> Config:
        named = {"type": kind} if kind else {}
        return _servers({**named, "url": door.url, "headers": _bearer(door, variable)})

    return made


def _claude_code(server: Config) -> list[str]:
    environ = _flags("--env", server)
    # The name comes before --env, which would take it for another variable.
    return ["claude", "mcp", "add", NAME, *environ, "--", server["command"]]


def _claude_code_http(door: Door) -> list[str]:
    header = f"Authorization: Bearer {door.token or f'${{{TOKEN_VARIABLE}}}'}"
    return ["claude", "mcp", "add", "--transport", "http", NAME, door.url, "--header", header]


def _claude_desktop_http(door: Door) -> Config:
    """Its settings file knows stdio only: a bridge (needs Node) goes between."""
    arguments = ["-y", "mcp-remote", door.url, "--transport", "http-only"]
    # Without a space: some versions of the program break arguments at spaces.
    arguments += ["--header", "Authorization:${MIXPANEL_MCP_AUTHORIZATION}"]
    environ = {"MIXPANEL_MCP_AUTHORIZATION": f"Bearer {door.token or PLACEHOLDER}"}
    return _servers({"command": "npx", "args": arguments, "env": environ})


def _vscode(server: Config) -> Config:
    return {"servers": {NAME: {"type": "stdio", **server}}}


def _vscode_http(door: Door) -> Config:
    headers = _bearer(door, "${input:mp-http-token}")
    entry = {"servers": {NAME: {"type": "http", "url": door.url, "headers": headers}}}
    if door.token:
        return entry
    asked = {
        "type": "promptString",
        "id": "mp-http-token",
        "description": "Token of the mp server (mp server status --show-token)",
        "password": True,
    }
    return {"inputs": [asked], **entry}


def _inspector(server: Config) -> list[str]:
    return ["npx", "@modelcontextprotocol/inspector", *_flags("-e", server), server["command"]]


def _flags(flag: str, server: Config) -> list[str]:
    environ = server.get("env", {})
    return [word for name in environ for word in (flag, f"{name}={environ[name]}")]


CLIENTS = {
    "claude-code": Client(
        ".mcp.json of your project",
        lambda server: _servers({"type": "stdio", **server}),
        _with_variable("http", f"${{{TOKEN_VARIABLE}}}"),
        _claude_code,
        _claude_code_http,
    ),
    "claude-desktop": Client(
        "claude_desktop_config.json (Settings > Developer > Edit Config)",
        _servers,
        _claude_desktop_http,
    ),
    "cursor": Client(
        "~/.cursor/mcp.json, or .cursor/mcp.json of your project",
        _servers,
        _with_variable(None, f"${{env:{TOKEN_VARIABLE}}}"),
    ),
    "vscode": Client(
        ".vscode/mcp.json of your project, or `MCP: Open User Configuration`",
        _vscode,
        _vscode_http,
    ),
    "inspector": Client(
        "a file that `npx @modelcontextprotocol/inspector --config FILE` reads",
        lambda server: _servers({"type": "stdio", **server}),
        _with_variable("streamable-http", PLACEHOLDER),
        _inspector,
    ),
}
