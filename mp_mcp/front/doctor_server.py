"""What `mp doctor` checks of the shared server and the database file, and who holds its lock.

Never starts or stops a server. It looks at a file's lock and never takes it.
"""

import os
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from mp_mcp import __version__
from mp_mcp.errors import MpError
from mp_mcp.front import link, sources
from mp_mcp.front.finding import Finding, fail, failed, note, ok
from mp_mcp.front.flags import Flags
from mp_mcp.server import lease, owners
from mp_mcp.settings import Home, asking
from mp_mcp.store import file_size

# l_type, l_whence, l_start, l_len, l_pid; macOS has another order.
_LOCK = "qqihh" if sys.platform == "darwin" else "hhqqi"


def findings(home: Home, flags: Flags) -> Iterator[Finding]:
    """All of them."""
    server, pid = _server(home)
    yield server
    yield from _socket(home)
    yield from _files(home, flags, pid)


def _server(home: Home) -> tuple[Finding, int | None]:
    if home.is_embedded:
        told = "MP_SERVER=off: each program is its own server, and shares nothing"
        return note("server", told, "Unset MP_SERVER to share tables and budget"), None
    try:
        found = link.ask(home, asking(), "mp/status", start=False)
    except lease.Absent:
        return _no_server(home), None
    except MpError as error:
        return failed("server", error, "mp server stop"), lease.server_info(home).get("pid")
    agents = [one for one in found.result.get("connected", ()) if one["by"] == "agent"]
    told = f"pid {found.pid}, version {found.version}, agents connected: {len(agents)}"
    if found.version != __version__:
        remedy = "mp server stop; the next command starts this version"
        return note("server", f"{told}; this is mp {__version__}", remedy), found.pid
    if found.result.get("state") == "memory":
        remedy = "Free space or mend permissions there, then mp server stop"
        return fail("server", f"{told}; {home.state} cannot be used", remedy), found.pid
    return ok("server", told), found.pid


def _no_server(home: Home) -> Finding:
    try:
        is_held = home.run.exists() and lease.is_held(home)
    except OSError as error:
        why = f"{home.run} cannot be used: {error.strerror}"
        return fail("server", why, f"chmod -R u+rwX {home.run}")
    if is_held:
        pid = lease.server_info(home).get("pid", "unknown")
        why = f"pid {pid} holds the lock of the server, but does not listen"
        return fail("server", why, "Wait a moment; if it stays so, end that process")
    return ok("server", "not running; the next command starts it")


def _socket(home: Home) -> Iterator[Finding]:
    try:
        found = home.socket.stat()
    except OSError:
        return
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISSOCK(found.st_mode):
        yield fail("socket", f"{home.socket} is no socket", f"rm {home.socket}")
    elif mode & 0o077:
        yield fail(
            "socket", f"{home.socket} is open to others ({mode:o})", f"chmod 600 {home.socket}"
        )
    else:
        yield ok("socket", f"{home.socket} ({mode:o})")


def _files(home: Home, flags: Flags, server: int | None) -> Iterator[Finding]:
    """The databases of the chosen project first, then any other that somebody else holds."""
    try:
        project = sources.explained(home, flags)["project_id"]
    except MpError:
        project = None
    for path in sorted((home.path / "data").glob("**/*.db")):
        finding = _file(home, path, server)
        if path.stem == project or finding.state != "ok":
            yield finding


def _file(home: Home, path: Path, server: int | None) -> Finding:
    told = f"{path}, {file_size.of_database(path) / 1e6:,.1f} MB"
    if not os.access(path, os.R_OK | os.W_OK):
        return fail("file", f"{told}, is not readable and writable", f"chmod u+rw {path}")
    try:
        holder = _holder(path)
    except OSError as error:
        return note("file", f"{told}; its lock cannot be seen: {error.strerror}")
    if holder is None:
        return ok("file", f"{told}, not locked")
    if holder == server:
        return ok("file", f"{told}, open in our server")
    return _held(home, told, holder)


def _held(home: Home, told: str, holder: int) -> Finding:
    ours = owners.way_out(home, holder)
    if ours is not None:
        return fail("file", f"{told}, is open in another mp-mcp (pid {holder})", ours)
    if holder == 0:
        return note("file", f"{told}, locked by a program of another container or machine")
    remedy = f"Close the database in that program, or end it (pid {holder})"
    return fail("file", f"{told}, is locked by {_program(holder)} (pid {holder}), not ours", remedy)


def _holder(path: Path) -> int | None:
    """The process whose lock is in the way of writing. We hold none, so closing drops none."""
    if sys.platform == "win32":
        return None
    import fcntl

    opened = os.open(path, os.O_RDWR)
    try:
        wanted = (fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        if sys.platform == "darwin":
            wanted = (0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
        found = struct.unpack(
            _LOCK, fcntl.fcntl(opened, fcntl.F_GETLK, struct.pack(_LOCK, *wanted))
        )
    finally:
        os.close(opened)
    kind, pid = (found[3], found[2]) if sys.platform == "darwin" else (found[0], found[4])
    return None if kind == fcntl.F_UNLCK else pid


def _program(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return Path(os.fsdecode(words[0])).name or "a program"
    except OSError:
        return "a program"
