"""The server inside this process, for `MP_SERVER=off` and where none can be started.

Never listens anywhere and never takes the shared server's lease: its only client is this process,
at the other end of a pair of sockets.
"""

import asyncio
import logging
import os
import socket
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

import anyio

from mp_mcp.errors import ServerUnreachableError
from mp_mcp.server import logs, running
from mp_mcp.server.door import Door
from mp_mcp.server.private_files import require_own_folder
from mp_mcp.server.processes import Presence
from mp_mcp.settings import Home

START_PATIENCE_S = 60.0
END_PATIENCE_S = 30.0

logger = logging.getLogger(__name__)


class Embedded:
    """The server and its thread, from the first connection to the end of the process."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._opened: Future[tuple[asyncio.AbstractEventLoop, Door]] = Future()
        self._clients: set[asyncio.Task[None]] = set()
        # A daemon: whoever forgets to close must not hang at the end.
        self._thread = threading.Thread(target=self._run, name="mp server", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it serves, or is about to."""
        return self._thread.is_alive()

    def connect(self) -> socket.socket:
        """A new connection. Raises: ServerUnreachableError when the server did not start."""
        try:
            loop, door = self._opened.result(START_PATIENCE_S)
        except Exception as error:
            raise ServerUnreachableError(
                f"The server in this process did not start: {error or type(error).__name__}.",
                hint="MP_LOG=DEBUG says more on stderr.",
            ) from error
        ours, theirs = socket.socketpair()

        def admit() -> None:
            client = loop.create_task(door.admit(theirs))
            self._clients.add(client)
            client.add_done_callback(self._clients.discard)

        loop.call_soon_threadsafe(admit)
        return ours

    def close(self) -> None:
        """Finish what is being written and let go of every file. Idempotent."""
        if self._thread.is_alive() and self._opened.done() and not self._opened.exception():
            loop, door = self._opened.result()
            with suppress(RuntimeError):  # its loop has ended meanwhile
                loop.call_soon_threadsafe(door.leave, "the process ends")
        self._thread.join(END_PATIENCE_S)

    def _run(self) -> None:
        with suppress(OSError):
            self._home.create()
        presence = Presence(self._home)
        try:
            anyio.run(running.run_embedded, self._home, self._is_open)
        except BaseException as error:
            logger.exception("The server in this process failed")
            with suppress(InvalidStateError):
                self._opened.set_exception(error)
        finally:
            presence.end()

    def _is_open(self, door: Door) -> None:
        self._opened.set_result((asyncio.get_running_loop(), door))


_starting = threading.Lock()
_server: Embedded | None = None


def connect(home: Home) -> socket.socket:
    """Connect to the server in this process, which the first connection starts.

    Raises: ServerUnreachableError; SettingsError when others could have prepared its folder.
    """
    require_own_folder(home)
    global _server  # noqa: PLW0603 - one per process, as its name says
    with _starting:
        if _server is None or not _server.is_alive:
            _prepare()
            _server = Embedded(home)
        server = _server
    return server.connect()


def close() -> None:
    """End the server, if there is one."""
    if _server is not None:
        _server.close()


def _prepare() -> None:
    """What the shared server's process does at its start, as far as it concerns this one."""
    os.umask(0o077)
    logs.to_stderr()
