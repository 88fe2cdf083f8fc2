"""What is known of other processes: whether one is stopped, and which of them are ours.

Never signals a process, and never waits for one. Standard library only.
"""

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from mp_mcp.file_locks import try_lock
from mp_mcp.settings import Home

if TYPE_CHECKING:
    from pathlib import Path

LOOK_S = 0.5

PROC = "/proc"

NO_LINK = getattr(os, "O_NOFOLLOW", 0)

_NAME = "embedded-"


def is_stopped(pid: int) -> bool:
    """Whether the process exists and was stopped (SIGSTOP, Ctrl-Z); False when nobody knows."""
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123 - cheap: asked again and again
            # The name in brackets may hold anything; the state follows the last bracket.
            return file.read().rpartition(b") ")[2][:1] in (b"T", b"t")
    except OSError:
        return not os.path.isdir(f"{PROC}/self") and _state(pid).startswith("T")  # noqa: PTH112


def _state(pid: int) -> str:
    import subprocess  # macOS has no /proc

    with suppress(OSError, subprocess.SubprocessError):
        asked = ("ps", "-o", "stat=", "-p", str(pid))
        found = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=2)
        return found.stdout.strip()
    return ""


class StoppedFor:
    """How long a process has been seen stopped, asked as often as one likes."""

    def __init__(self) -> None:
        self._pid = 0
        self._since: float | None = None
        self._looked = 0.0

    def seconds(self, pid: int) -> float:
        """0 while it runs; the system is asked twice a second at most."""
        now = time.monotonic()
        if pid != self._pid:
            self._pid, self._since, self._looked = pid, None, now
        if now - self._looked >= LOOK_S:
            self._looked = now
            self._since = (self._since or now) if is_stopped(pid) else None
        return 0.0 if self._since is None else now - self._since


class Presence:
    """This process serves itself: others that meet its locks can tell whose they are."""

    def __init__(self, home: Home) -> None:
        self._path = _path(home, os.getpid())
        self._file: int | None = None
        # A folder that cannot be written holds no database that we could lock.
        with suppress(OSError):
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o600)
            try_lock(self._file)

    def end(self) -> None:
        """Be known no more. Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            self._path.unlink(missing_ok=True)
            os.close(file)


def embedded(home: Home) -> set[int]:
    """Processes that serve themselves from this state folder; the traces of killed ones go."""
    found = set()
    for path in home.run.glob(f"{_NAME}*.lock"):
        pid = path.name[len(_NAME) : -len(".lock")]
        if pid.isdigit() and _is_held(path):
            found.add(int(pid))
    return found


def _is_held(path: "Path") -> bool:
    try:
        file = os.open(path, os.O_RDWR | NO_LINK)
    except OSError:
        return False
    try:
        if not try_lock(file):
            return True
        path.unlink(missing_ok=True)
    finally:
        os.close(file)
    return False


def _path(home: Home, pid: int) -> "Path":
    return home.run / f"{_NAME}{pid}.lock"
