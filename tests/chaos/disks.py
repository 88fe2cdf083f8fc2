"""Disks that run full and folders that may not be written, made by what this machine permits.

Never simulated inside our code: the kernel says no.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from mp_mcp.server import lease
from mp_mcp.settings import Home

SIZE = 48 * 2**20
"""Of the small disk, in bytes."""


class Disk(Protocol):
    """Where a state folder lives."""

    def leave(self, room: int) -> None:
        """From now on, only so many bytes more can be written."""

    def free(self) -> None:
        """There is space again."""


class SmallDisk:
    """A file system of its own, which a filler fills."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filler = folder / "filler"

    def leave(self, room: int) -> None:
        self.free()
        space = os.statvfs(self._folder)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, space.f_bavail * space.f_frsize - room))

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


class SmallFiles:
    """A server that may not write beyond so many bytes of any file: needs no rights at all."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def leave(self, room: int) -> None:
        self._limit(room)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        pid = lease.server_info(self._home)["pid"]
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """A small file system at the folder, where the machine lets us mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        done = False
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "-l", str(folder)], check=True)


_OBEDIENT = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.argv[1], sys.argv[1:])
"""


def obedient(*command: str | Path) -> list[str]:
    """A command that permissions hold for, with the server that it starts: even for root."""
    return [sys.executable, "-c", _OBEDIENT, *map(str, command)]


_LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
os.execv(sys.argv[2], sys.argv[2:])
"""


def limited(size: int, *command: str | Path) -> list[str]:
    """A command whose files, and those of the server that it starts, end at so many bytes."""
    return [sys.executable, "-c", _LIMITED, str(size), *map(str, command)]
