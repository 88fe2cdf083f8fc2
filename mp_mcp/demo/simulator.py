"""The simulated Mixpanel as a program: `python -m mp_mcp.demo.simulator`.

Never listens on anything but the loopback address, and never outlives its reader with --until-eof.
"""

import argparse
import asyncio
import json
import logging
import signal
import socket
import sys
import threading
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from mp_mcp.demo.app import MixpanelSimulator
from mp_mcp.demo.profiles import PROFILES
from mp_mcp.demo.story import Story
from mp_mcp.demo.world import Switches, World, make_world

HOST = "127.0.0.1"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mp_mcp.demo.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=Story.seed)
    parser.add_argument("--days", type=int, default=Story.days)
    parser.add_argument("--events-per-day", type=int, default=Story.events_per_day)
    parser.add_argument("--last-day", type=date.fromisoformat, help="default: yesterday in UTC")
    parser.add_argument("--profiles", type=int, default=PROFILES, help="at least so many")
    parser.add_argument("--bookmark-delay", type=float, default=0.0, help="seconds")
    parser.add_argument("--limits", action="store_true", help="enforce the rate limits")
    parser.add_argument("--folder", type=Path, help="keep generated days here for the next run")
    parser.add_argument("--until-eof", action="store_true", help="leave when stdin ends")
    return parser


def story_of(options: argparse.Namespace) -> Story:
    """The story that the command line asks for."""
    story = Story(options.seed, options.days, options.events_per_day)
    return Story(story.seed, story.days, story.events_per_day, options.last_day or story.last_day)


def main() -> None:
    """Serve until SIGTERM, or until stdin ends."""
    options = arguments().parse_args()
    # uvicorn raises the signal again when it has left: unwind, so that the folder is removed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with TemporaryDirectory(prefix="mp-demo-") as temporary:
        switches = Switches(limits=options.limits, bookmark_delay=options.bookmark_delay)
        folder = options.folder or Path(temporary)
        world = make_world(story_of(options), folder, switches, options.profiles)
        serve(world, options.port, options.until_eof)


class _Server(uvicorn.Server):
    """Tells its address when it listens and obeys signals, not before."""

    greeting: dict[str, object]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(json.dumps(self.greeting) + "\n")
        sys.stdout.flush()


def serve(world: World, port: int, until_eof: bool) -> None:
    """Listen, say so on stdout, and answer until told to leave."""
    config = uvicorn.Config(
        MixpanelSimulator(world),
        http="h11",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_a_mistake)
    server = _Server(config)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
        if until_eof:
            threading.Thread(target=_leave_at_eof, args=(server,), daemon=True).start()
        server.greeting = _greeting(world, listener.getsockname()[1])
        server.run(sockets=[listener])


def _is_a_mistake(record: logging.LogRecord) -> bool:
    """A connection that is cut by order, or at the end, is not one."""
    cancelled = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    text = record.getMessage()
    return not cancelled and "without completing" not in text and "Cancel" not in text


def _leave_at_eof(server: uvicorn.Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.should_exit = server.force_exit = True


def _greeting(world: World, port: int) -> dict[str, object]:
    accounts = [
        {
            "project_id": account.project_ids[0],
            "username": account.username,
            "secret": account.secret,
            "bearer": account.bearer,
            "project_secret": world.projects[account.project_ids[0]].secret,
        }
        for account in world.accounts
    ]
    return {"base_url": f"http://{HOST}:{port}", **accounts[0], "accounts": accounts}


if __name__ == "__main__":
    main()
