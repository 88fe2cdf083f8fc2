"""What `mp doctor` checks of AI clients: do their configurations lead to an mp-mcp that exists.

Never writes a configuration, and never repeats what stands in one but commands and paths.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mp_mcp.errors import UsageError
from mp_mcp.front import agent_flags
from mp_mcp.front.finding import Finding, fail, note, ok
from mp_mcp.settings import Home

PROGRAM = "mp-mcp"
MODULES = ("mp_mcp.front.agent",)
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


def findings(home: Home) -> Iterator[Finding]:
    """One line per configuration that is there, or one that says that there is none."""
    found = [(name, path) for name, path in _places() if path.is_file()]
    for name, path in found:
        yield from _configuration(name, path, home)
    if not found:
        yield note("clients", "no AI client is configured here", _how("claude-code"))


def _places() -> list[tuple[str, Path]]:
    """Where each client keeps its servers: of this person, then of this folder."""
    me, here = Path.home(), _here()
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or me / ".config")
    if sys.platform == "darwin":
        settings = me / "Library" / "Application Support"
    elif os.environ.get("APPDATA"):
        settings = Path(os.environ["APPDATA"])
    places = [
        ("claude-desktop", settings / "Claude" / "claude_desktop_config.json"),
        ("claude-code", me / ".claude.json"),
        ("claude-code", here / ".mcp.json"),
        ("cursor", me / ".cursor" / "mcp.json"),
        ("cursor", here / ".cursor" / "mcp.json"),
        ("vscode", settings / "Code" / "User" / "mcp.json"),
        ("vscode", here / ".vscode" / "mcp.json"),
    ]
    return list(dict.fromkeys(places))


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path.home()  # the folder that we are in is gone


def _configuration(name: str, path: Path, home: Home) -> Iterator[Finding]:
    try:
        content = _parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        yield fail(name, f"{path} cannot be read: {reason}", "Mend the file")
        return
    ours = [(key, one) for key, one in _servers(content) if _is_ours(one)]
    for key, one in ours:
        yield _server(name, path, key, one, home)
    if not ours:
        yield note(name, f"{path} has no mp-mcp", _how(name))


def _parsed(text: str) -> Any:
    """JSON, with the comments and last commas that some of these programs allow."""
    bare = _LAST_COMMA.sub(lambda m: m[1] or "", _COMMENT.sub(lambda m: m[1] or "", text))
    return json.loads(bare or "{}")


def _servers(content: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All MCP servers of a configuration; Claude Code keeps some for each folder."""
    if not isinstance(content, Mapping):
        return
    sections = [content.get("mcpServers"), content.get("servers")]
    projects = content.get("projects")
    if isinstance(projects, Mapping):
        sections += [one.get("mcpServers") for one in projects.values() if isinstance(one, Mapping)]
    for section in sections:
        if isinstance(section, Mapping):
            yield from ((str(k), v) for k, v in section.items() if isinstance(v, Mapping))


def _words(server: Mapping[str, Any]) -> list[str]:
    arguments = server.get("args")
    words = [server.get("command"), *(arguments if isinstance(arguments, list) else [])]
    return [str(word) for word in words if word]


def _is_ours(server: Mapping[str, Any]) -> bool:
    return any(Path(word).name == PROGRAM or word in MODULES for word in _words(server))


def _server(name: str, path: Path, key: str, server: Mapping[str, Any], home: Home) -> Finding:
    words = [word for word in _words(server) if not word.startswith("-")]
    program = words[0] if words else ""
    if _found(program) is None:
        return fail(name, f"{path}: {program} of {key!r} does not exist", f"Use {_our_program()}")
    direct = next((word for word in words if Path(word).name == PROGRAM), None)
    if direct is not None and "/" in direct and not Path(direct).is_file():
        return fail(name, f"{path}: {direct} of {key!r} does not exist", f"Use {_our_program()}")
    refused = _refused(_words(server))
    if refused is not None:
        told = f"{path}: {PROGRAM} refuses the args of {key!r}, and ends at once"
        return fail(name, told, refused)
    environ = server.get("env")
    chosen = environ.get("MP_HOME") if isinstance(environ, Mapping) else None
    if chosen and Path(str(chosen)).expanduser() != home.path:
        message = f"{path}: {key!r} has another state folder: {chosen}"
        return note(name, message, "Set the same MP_HOME for both to share tables and budget")
    return ok(name, f"{path}: {key!r} runs {direct or program}")


def _refused(words: list[str]) -> str | None:
    """How the arguments of mp-mcp are mended, which it refuses; None when it would start."""
    # The last one: `uvx --from mp-mcp mp-mcp` names it twice.
    places = [n for n, word in enumerate(words) if Path(word).name == PROGRAM or word in MODULES]
    given = words[places[-1] + 1 :]
    remedy = f"`{PROGRAM} --help` says which there are"
    if any(word in agent_flags.QUESTIONS for word in given):
        return remedy
    try:
        agent_flags.read(given)
    except UsageError as error:
        return error.hint or remedy
    return None


def _found(program: str) -> str | None:
    return shutil.which(os.path.expanduser(program))  # noqa: PTH111 - it may be a bare name


def _our_program() -> str:
    beside = Path(sys.executable).with_name(PROGRAM)
    return str(beside) if beside.exists() else (shutil.which(PROGRAM) or PROGRAM)


def _how(name: str) -> str:
    if name == "claude-code":
        return f"claude mcp add mixpanel -- {_our_program()}"
    key = "servers" if name == "vscode" else "mcpServers"
    entry = {key: {"mixpanel": {"command": _our_program()}}}
    return f"Add {json.dumps(entry)}"
