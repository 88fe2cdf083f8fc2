"""Kills the shared server at a moment that a seed chooses from what can be seen of a fetch.

Never ends another process than the server of the test's own state folder.
"""

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.exactness import EXPORT, Exactness
from tests.processes.waiting import wait_until


@dataclass(frozen=True)
class Moment:
    """When to kill: the first time that this is seen."""

    name: str
    has_come: Callable[[], bool]


class Killer:
    """Chooses moments, waits for them, and kills."""

    def __init__(self, home: Home, exactness: Exactness, pick: random.Random) -> None:
        self._home = home
        self._exactness = exactness
        self._pick = pick

    def moment(self) -> Moment:
        """One of the things that a fetch does, and how far it has got with it."""
        kinds = (self._exports_begun, self._exports_done, self._files, self._bytes, self._written)
        chosen = self._pick.choice(kinds)()
        looks = self._pick.randrange(6)
        return Moment(f"{chosen.name}, {looks} looks later", _later(chosen.has_come, looks))

    def kill(self, moment: Moment, is_over: Callable[[], bool]) -> bool:
        """Kill the server when the moment comes; False when the fetch was over before."""
        pid = lease.server_info(self._home)["pid"]
        assert isinstance(pid, int)
        come: list[bool] = []

        def has_come_or_is_over() -> bool:
            if moment.has_come():
                come.append(True)
            return bool(come) or is_over()

        wait_until(has_come_or_is_over)
        if not come:
            return False
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not lease.is_held(self._home))
        return True

    def _exports_begun(self) -> Moment:
        number = self._seen(lambda _: True) + self._pick.randrange(1, 5)
        return Moment(f"{number} exports asked for", lambda: self._seen(lambda _: True) >= number)

    def _exports_done(self) -> Moment:
        number = self._seen(_is_done) + self._pick.randrange(1, 4)
        return Moment(f"{number} exports sent", lambda: self._seen(_is_done) >= number)

    def _seen(self, counts: Callable[[dict[str, object]], bool]) -> int:
        return sum(map(counts, self._exactness.mixpanel.requests(EXPORT)))

    def _files(self) -> Moment:
        ending = self._pick.choice((".part", ".ndjson.gz", ".head.json"))
        return Moment(f"a file {ending} in the spool", lambda: bool(self._found(f"*{ending}")))

    def _bytes(self) -> Moment:
        size = self._pick.randrange(1, 40_000)
        return Moment(
            f"a download of {size} bytes in the spool",
            lambda: any(_size(path) >= size for path in self._found("events-*")),
        )

    def _found(self, pattern: str) -> list[Path]:
        return list((self._home.path / "spool").rglob(pattern))

    def _written(self) -> Moment:
        grown = self._pick.randrange(1, 200_000)
        before = self._database_bytes()
        return Moment(
            f"the database other than before by {grown} bytes",
            lambda: abs(self._database_bytes() - before) >= grown,
        )

    def _database_bytes(self) -> int:
        """Of the file and its log; reading sizes opens nothing."""
        return sum(map(_size, (self._home.path / "data").rglob("*.db*")))


def _later(has_come: Callable[[], bool], looks: int) -> Callable[[], bool]:
    """True only some looks after it has come."""
    left = [looks]

    def look() -> bool:
        if not has_come():
            return False
        left[0] -= 1
        return left[0] < 0

    return look


def _is_done(entry: dict[str, object]) -> bool:
    return bool(entry["done"])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
