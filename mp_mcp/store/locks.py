"""Locks of foreign programs: read from duckdb's message who holds the file, and say the way out.

Never waits and never touches the file: `database.py` retries.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mp_mcp.errors import DatabaseLockedError

_LOCKED = "Could not set lock on file"
_HOLDER = re.compile(r"Conflicting lock is held in (?:(?P<program>.+?) \()?PID (?P<pid>\d+)")
_HELD_FOR_READING = "you would be able to open this database in read-only mode"

LOCK_WAIT_S = 5.0
"""How long a call waits for a foreign program unless its client says otherwise, in seconds."""


@dataclass(frozen=True)
class Holder:
    """The foreign program that holds the file.

    Program and pid are hints: across containers duckdb sees neither.
    """

    program: str | None = None
    pid: int | None = None
    reads_only: bool = False

    def __str__(self) -> str:
        name = Path(self.program).name if self.program else "another program"
        return f"{name} (PID {self.pid})" if self.pid else name


def holder_of(error: Exception) -> Holder | None:
    """The holder that a failed open names, or None when it failed for another reason."""
    message = str(error)
    if _LOCKED not in message:
        return None
    reads_only = _HELD_FOR_READING in message
    found = _HOLDER.search(message)
    if found is None:
        return Holder(reads_only=reads_only)
    return Holder(found["program"], int(found["pid"]) or None, reads_only)


Whose = Callable[[int | None], str | None]
"""The way out when a process (None: nobody knows which) is one of our programs; else None."""


def nobodys(_: int | None) -> str | None:
    """Every holder is foreign."""


def locked_error(
    path: Path, holder: Holder, *, write: bool, waited_s: float, whose: Whose = nobodys
) -> DatabaseLockedError:
    """What a caller reads when the holder did not let go in time."""
    retry_after = max(waited_s, 1.0)
    way_out = whose(holder.pid)
    if way_out is not None:
        process = f"process {holder.pid}" if holder.pid else "another process"
        return DatabaseLockedError(
            f"{path.name} is open in another mp-mcp ({process}).",
            hint=way_out,
            retry_after=retry_after,
        )
    way_out = "Close the database in that program (or end it), then try again."
    if holder.reads_only and write:
        return DatabaseLockedError(
            f"{path.name} cannot be written: {holder} has it open for reading.",
            hint=f"Queries still work. {way_out}",
            retry_after=retry_after,
        )
    return DatabaseLockedError(
        f"{path.name} is open in {holder}, which is not one of our programs.",
        hint=f"{way_out} Tools that ask Mixpanel work meanwhile.",
        retry_after=retry_after,
    )


def pauses() -> Iterator[float]:
    """Seconds between attempts on a locked file: growing, and never in step with others."""
    pause = 0.02
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
        pause = min(pause * 1.6, 0.5)
