"""Who is the server: one lock per state folder, and connect-or-spawn for everybody else.

Standard library only, because the pump and `mp` use it. It never kills a process, and never takes
a busy server for a dead one: only the holder of `server.lock` may unlink or bind the socket.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mp_mcp.errors import ServerUnreachableError
from mp_mcp.file_locks import try_lock
from mp_mcp.server import processes, socket_path
from mp_mcp.server.private_files import private_log, require_own_folder
from mp_mcp.settings import HAS_UNIX_SOCKETS, Home

LEAVING = "server_leaving"
"""Error code of a request that a leaving server did not start: the next server will do it."""

BUSY_PATIENCE_S = 4.0
START_PATIENCE_S, MOST_STARTS = 30.0, 5
"""For one connection: somebody may kill each server that is started."""
LONGEST_LINE = 2 * 1024 * 1024
"""Longest request in bytes that a server reads: to understand a longer one would take a second, in
which nobody else is answered. An agent's SQL is hundreds of times shorter."""

_PASSED_ON = (
    *("HOME", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT"),
    *("MP_HOME", "MP_LOG", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    # Where the system's keyring is found.
    *("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
    "PYTHON_KEYRING_BACKEND",
)


class NotStarted(Exception):  # noqa: N818 - a finding: who can do without a server goes on
    """No server runs, and none can be started; `reason` is what to tell people."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.reason = ServerUnreachableError(message, hint=hint)


class Absent(Exception):  # noqa: N818 - a finding, not an error
    """Nobody listens at the socket."""


class Lease:
    """The server's side: held from `acquire` until the process has let go of every file."""

    def __init__(self, home: Home, lock: int) -> None:
        self._home = home
        self._lock = lock

    def bind(self) -> socket.socket:
        """Listen at the socket. Whatever lies there is stale, since we hold the lock."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._home.socket.unlink(missing_ok=True)
        with socket_path.to_bind(self._home.address) as name:
            listener.bind(name)
        self._home.socket.chmod(0o600)
        listener.listen(128)
        return listener

    def announce(self, version: str, *, ready: bool) -> None:
        """Write server.json. Until it says `ready`, clients forgive a slow first answer."""
        content = {
            "pid": os.getpid(),
            "version": version,
            "socket": str(self._home.socket),
            "started": time.time(),
            "ready": ready,
        }
        partial = self._home.server_info.with_suffix(".part")
        try:
            partial.write_text(json.dumps(content) + "\n", encoding="utf-8")
            partial.replace(self._home.server_info)
        except OSError:
            # A full disk: clients find the socket without it, and it must not tell of another one.
            for leftover in (partial, self._home.server_info):
                leftover.unlink(missing_ok=True)

    def is_ours(self) -> bool:
        """Whether the lock is still the one in the folder: somebody may have removed that."""
        try:
            found, held = (self._home.run / "server.lock").stat(), os.fstat(self._lock)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)

    def withdraw(self) -> None:
        """Be found no more; connections that exist go on."""
        if not self.is_ours():
            return  # what lies there belongs to another server
        self._home.socket.unlink(missing_ok=True)
        self._home.server_info.unlink(missing_ok=True)

    def release(self) -> None:
        """Let the next server start. The last thing that a leaving server does."""
        os.close(self._lock)


def acquire(home: Home, patience_s: float = 3.0) -> Lease | None:
    """Become the server, waiting for one that is leaving; None when another one stays."""
    require_own_folder(home)
    home.create()
    home.run.chmod(0o700)
    lock = os.open(home.run / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience_s
    while not try_lock(lock):
        # One that leaves has taken its socket away; one that stays must not get a shadow.
        if home.socket.exists() or time.monotonic() > deadline:
            os.close(lock)
            return None
        time.sleep(0.02)
    return Lease(home, lock)


def is_held(home: Home) -> bool:
    """Whether a server lives: it holds the lock, whatever else it does or does not do."""
    try:
        lock = os.open(home.run / "server.lock", os.O_RDWR)
    except OSError:
        return False  # none was ever here, or none that we could reach
    try:
        return not try_lock(lock, shared=True)
    finally:
        os.close(lock)


def server_info(home: Home) -> dict[str, Any]:
    """The content of server.json, or {} when there is none."""
    with suppress(OSError, ValueError):
        found = json.loads(home.server_info.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def dial(home: Home) -> socket.socket:
    """Connect to the running server.

    Raises: Absent when nobody listens; ServerUnreachableError when its queue of callers stays full;
    SettingsError when others could have prepared its folder.
    """
    if not HAS_UNIX_SOCKETS:
        raise Absent
    require_own_folder(home)
    deadline = time.monotonic() + BUSY_PATIENCE_S
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(BUSY_PATIENCE_S)
        try:
            with socket_path.to_dial(home.address) as name:
                client.connect(name)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            client.close()
            raise Absent from error
        except (BlockingIOError, TimeoutError) as error:
            # A full backlog is a busy server, not a stale socket.
            client.close()
            if time.monotonic() > deadline:
                raise unresponsive(home) from error
            time.sleep(0.02)
        except OSError as error:
            client.close()
            raise ServerUnreachableError(
                f"Cannot connect to {home.socket}: {error.strerror}."
            ) from error
        else:
            return client


def connect(home: Home) -> socket.socket:
    """Connect to the server, starting it when there is none: of many starters one spawns.

    Raises: ServerUnreachableError when it is hung; NotStarted when it does not come up.
    """
    if home.is_embedded:
        from mp_mcp.server import embedded  # brings the whole server along

        return embedded.connect(home)
    with suppress(Absent):
        return dial(home)
    try:
        home.create()
        with _starting(home):
            return _connect_or_spawn(home)
    except OSError as error:
        raise NotStarted(
            f"No shared server can be started in {home.path}: {error.strerror}.",
            "Make that folder writable, choose another one with MP_HOME, or set MP_SERVER=off: "
            "then each program is its own server.",
        ) from error


def _connect_or_spawn(home: Home) -> socket.socket:
    spawned, starts = None, 0
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        with suppress(Absent):
            return dial(home)
        # A held lock without a socket: that server is coming up or leaving. Wait for it.
        if not is_held(home):
            ended = spawned and spawned.poll()
            if ended is not None and (ended > 0 or starts == MOST_STARTS):
                raise NotStarted(
                    "The shared server did not start.",
                    f"Its last words are in {home.server_stderr}; with MP_SERVER=off each program "
                    "is its own server.",
                )
            # One that was killed, or that left the place to another which has gone since, could.
            if spawned is None or ended is not None:
                spawned, starts = spawn(home), starts + 1
        if time.monotonic() > deadline:
            raise unresponsive(home)
        time.sleep(0.005)


def spawn(home: Home) -> Any:
    """Start a server that inherits nothing of this client: no secrets, pipes or folder."""
    import subprocess  # paid only by the client that starts the server
    import threading

    home.create()
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environ |= {"MP_HOME": str(home.path), **_own_folder()}
    with private_log(home.server_stderr) as log:
        server = subprocess.Popen(
            # -P: the state folder, its working directory, is no place to import from.
            [sys.executable, "-P", "-m", "mp_mcp.server"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            env=environ,
            umask=0o077,
            start_new_session=True,
        )
    # A long-lived client reaps its server, whenever that ends.
    threading.Thread(target=server.wait, daemon=True).start()
    return server


def _own_folder() -> dict[str, str]:
    """PYTHONPATH for the server when this client was found by it; else nothing shadows anything."""
    package = __file__.rpartition("/mp_mcp/")[0]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return {"PYTHONPATH": package} if package in given else {}


def unresponsive(home: Home) -> ServerUnreachableError:
    """The error for a server that lives and does not answer. It is never killed for it."""
    pid = server_info(home).get("pid")
    if pid is None:
        return ServerUnreachableError(
            "The shared server does not answer: it is coming up or leaving.",
            hint=f"Try again in a moment; {home.server_log} may say why.",
        )
    return hung(pid)


def is_stopped(home: Home) -> bool:
    """Whether the shared server is stopped: it neither works nor ends until it is continued."""
    pid = server_info(home).get("pid")
    return isinstance(pid, int) and processes.is_stopped(pid)


def hung(pid: int) -> ServerUnreachableError:
    """The same for the server of that process."""
    why = "is stopped, and does not answer" if processes.is_stopped(pid) else "does not answer"
    return ServerUnreachableError(
        f"The shared server (pid {pid}) {why}.",
        hint=f"It may be stopped or overloaded: `kill -CONT {pid}` wakes a stopped one, "
        f"`kill -KILL {pid}` ends it; the next command starts a new one.",
    )


@contextmanager
def _starting(home: Home) -> Iterator[None]:
    lock = os.open(home.run / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + START_PATIENCE_S
    try:
        while not try_lock(lock):
            if time.monotonic() > deadline:
                raise ServerUnreachableError(
                    "Another program is starting the shared server, and does not get ready.",
                    hint="It may be stopped (Ctrl-Z): continue or end it, then call again.",
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(lock)
