"""The shared server's process: become the server, open the door, serve, leave in order.

Never imports anything heavy before it listens: a client that connects meanwhile waits in the
socket's backlog and is answered as soon as the imports are done.
"""

import gc
import logging
import os
import resource
import socket
from contextlib import suppress
from logging.handlers import RotatingFileHandler

from mp_mcp import __version__
from mp_mcp.server.lease import Lease, acquire
from mp_mcp.settings import Home, find_home

logger = logging.getLogger("mp_mcp.server")

ADDRESS_SPACE = 12 * 1024**3
"""Upper bound of this process in bytes: DuckDB's own limit does not hold for single huge values."""


def main() -> None:
    """Serve until idle, asked to leave, or signalled."""
    home = find_home()
    os.umask(0o077)
    lease = acquire(home)
    if lease is None:
        return  # another starter was faster; its server is as good as ours
    listener = lease.bind()
    lease.announce(__version__, ready=False)
    _log_to(home)
    _limit_memory()
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


def _log_to(home: Home) -> None:
    handler = RotatingFileHandler(
        home.server_log, maxBytes=5_000_000, backupCount=3, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = os.environ.get("MP_LOG", "INFO").upper()
    known = level in logging.getLevelNamesMapping()
    # A log that cannot be written must not be the reason for more to write.
    logging.raiseExceptions = False
    logging.basicConfig(level=level if known else "INFO", handlers=[handler])
    for chatty in ("httpx", "httpcore", "mcp", "asyncio", "matplotlib", "PIL"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(ADDRESS_SPACE, hard)
    # Some systems refuse: then DuckDB's own limit has to do.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
