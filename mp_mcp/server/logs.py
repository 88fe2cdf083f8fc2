"""Where the log goes, and how much of it there is (MP_LOG).

Never fails for a log that cannot be written, and never writes to stderr unasked.
"""

import logging
import os
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from typing import Any

from mp_mcp.settings import Home

FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MOST_BYTES = 5_000_000
LOOK_EVERY = 100
CHATTY = ("httpx", "httpcore", "mcp", "asyncio", "matplotlib", "PIL")


def to_file(home: Home) -> None:
    """The shared server's log."""
    handler = Rotating(home.server_log, maxBytes=MOST_BYTES, backupCount=3, encoding="utf-8")
    # A log that cannot be written must not be the reason for more to write.
    logging.raiseExceptions = False
    _to(handler, os.environ.get("MP_LOG", "INFO"))


def to_stderr() -> None:
    """The log of a server inside a client, whose stderr is for people: only if MP_LOG is set."""
    wanted = os.environ.get("MP_LOG")
    _to(logging.StreamHandler() if wanted else logging.NullHandler(), wanted or "INFO")


def _to(handler: logging.Handler, level: str) -> None:
    handler.setFormatter(logging.Formatter(FORM))
    # A line per call, and nothing in it that these would find out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    known = level.upper() in logging.getLevelNamesMapping()
    logging.basicConfig(level=level.upper() if known else "INFO", handlers=[handler])
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Rotating(RotatingFileHandler):
    """Looks at the size of the file once per LOOK_EVERY lines.

    A look costs four system calls and a second formatting: as much as writing the line.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lines = 0

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802 - the library's name
        self._lines += 1
        return int(self._lines % LOOK_EVERY == 1 and super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802
        try:
            super().doRollover()
        except OSError:
            # Something is in the way of the older files: then the file itself begins anew.
            with suppress(OSError):
                os.truncate(self.baseFilename, 0)
