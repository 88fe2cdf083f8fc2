"""Below the HTTP door: the socket on loopback and the web server that reads from it.

Never listens on another address, and never logs a word of a client.
"""

import logging
import socket
from typing import Any

from mp_mcp.errors import SettingsError
from mp_mcp.server.http_gate import Gate, Message, Receive, Send

logger = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
BACKLOG = 128


def bound(port: int) -> socket.socket:
    """A listener at this port of loopback, 0 for any. Raises: SettingsError."""
    # With the protocol by name: only then asyncio sends at once, instead of waiting 40 ms for more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A port that was used a minute ago may be used again; a busy one may not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else "no such port"
        raise SettingsError(
            f"The HTTP door cannot open at port {port}: {why}.",
            hint="Choose another one with `mp server start --http --port N`.",
        ) from error
    listener.setblocking(False)
    return listener


def web_server(gate: Gate) -> Any:
    """uvicorn around the gate, ready for `startup` and `shutdown`."""
    import h11  # paid by those who open this door
    import uvicorn

    from mp_mcp.server.http_connection import Connection

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        try:
            await gate(scope, receive, send)
        except h11.LocalProtocolError:
            logger.debug("a body that was garbage, which uvicorn has answered already")
        except Exception:
            logger.exception("The HTTP door failed")
            raise

    config = uvicorn.Config(
        app,
        http=Connection,
        # So many are accepted before the first of them is looked at: they must not be all files.
        backlog=BACKLOG,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    config.load()
    # Whoever reaches the port can send garbage: that must not fill the log.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    server = uvicorn.Server(config)
    # Not `serve`: it would take our signals, and wake up ten times a second.
    server.lifespan = config.lifespan_class(config)
    return server
