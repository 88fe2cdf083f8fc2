"""The shared server's process: become the server, open the door, serve, leave in order.

Never imports anything heavy before it listens: a client that connects meanwhile waits in the
socket's backlog and is answered as soon as the imports are done.
"""

import gc
import logging
import os
import socket
import sys

from mp_mcp import __version__
from mp_mcp.errors import MpError
from mp_mcp.server import logs, open_files
from mp_mcp.server.lease import Lease, acquire
from mp_mcp.server.private_files import forbid_core_dumps
from mp_mcp.settings import Home, find_home

logger = logging.getLogger("mp_mcp.server")


def main() -> None:
    """Serve until idle, asked to leave, or signalled."""
    home = find_home()
    os.umask(0o077)
    forbid_core_dumps()
    open_files.allow_enough()
    try:
        lease = acquire(home)
    except MpError as error:
        sys.exit(f"{error.message} {error.hint or ''}")
    if lease is None:
        return  # another starter was faster; its server is as good as ours
    listener = lease.bind()
    lease.announce(__version__, ready=False)
    logs.to_file(home)
    code = 1
    try:
        _serve(home, lease, listener)
        code = 0
    except Exception:
        logger.exception("The server failed")
    logging.shutdown()
    lease.release()
    # At once: a query that cannot be interrupted must not outlive the lock.
    os._exit(code)


def _serve(home: Home, lease: Lease, listener: socket.socket) -> None:
    # Importing makes many objects and no garbage: looking for some costs a tenth of a cold start.
    gc.disable()
    import anyio

    from mp_mcp.server import running

    gc.freeze()
    gc.enable()
    logger.info("server %s starts, pid %d", __version__, os.getpid())
    anyio.run(running.run, home, lease, listener)
    logger.info("server left")


if __name__ == "__main__":
    main()
