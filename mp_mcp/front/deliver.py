"""Files that the server has written for a person: from its spool to where they were asked for.

Never replaces a file that nobody agreed to lose, never leaves a part of one under the final name.
"""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from mp_mcp.errors import DiskFullError, MpError, UsageError
from mp_mcp.front import ask
from mp_mcp.settings import Home

_OURS = ("data", "spool", "run", "logs", "state.db", "mp.toml", "config.toml")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Target:
    """A file that is about to be written, checked before anything is computed for it."""

    def __init__(self, path: Path, *, force: bool) -> None:
        self._asked = path
        # A link stays a link: what it leads to is replaced.
        self._path = Path(os.path.realpath(path))
        self._force = force
        # Before a server in this process sets it to its own.
        self._mode = 0o666 & ~_umask()

    @classmethod
    def of(cls, home: Home, arguments: dict[str, Any]) -> "Target":
        """The `file` of these arguments; a person at a terminal is asked whether to replace it.

        Raises: UsageError; KeyboardInterrupt when the answer is no.
        """
        target = cls(Path(arguments["file"]), force=bool(arguments.get("force")))
        target._check_folder(home)
        if target._path.exists() and not target._force and sys.stdin.isatty():
            ask.confirmed(f"replace {target._asked}?")
            target._force = arguments["force"] = True
        target._check_file()
        return target

    def take(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Move the file of this result here; the result without its place in the spool.

        Raises: DiskFullError, UsageError, MpError.
        """
        spooled = Path(str(result["spooled"]))
        try:
            # As any new file of this person: the server's are for nobody else.
            spooled.chmod(self._mode)
            self._move(spooled)
        except OSError as error:
            raise self._failed(error) from error
        finally:
            spooled.unlink(missing_ok=True)
            with suppress(OSError):
                spooled.parent.rmdir()
        return {name: value for name, value in result.items() if name != "spooled"}

    def _check_folder(self, home: Home) -> None:
        folder = self._path.parent
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.", hint="Make it, or use another one.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"{folder} cannot be written.", hint="Use another folder.")
        own = [Path(os.path.realpath(home.path / name)) for name in _OURS]
        if not {*own}.isdisjoint((self._path, *self._path.parents)):
            raise UsageError(
                f"{self._asked} is where mp keeps its own files.", hint="Use another folder."
            )

    def _check_file(self) -> None:
        try:
            mode = self._path.stat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISREG(mode):
            raise UsageError(f"{self._asked} is no file.", hint="Use the name of a file.")
        if not self._force:
            raise self._there()
        if Path(f"{self._path}.wal").exists():
            raise UsageError(
                f"{self._asked} is a database with a .wal file: somebody may have it open.",
                hint="Close it there, or use another name.",
            )

    def _there(self) -> UsageError:
        return UsageError(
            f"{self._asked} is there already.", hint="--force replaces it, or use another name."
        )

    def _move(self, spooled: Path) -> None:
        try:
            self._put(spooled)
        except OSError as error:
            # Another disk, or one without hard links.
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            self._put_copy(spooled)

    def _put_copy(self, spooled: Path) -> None:
        beside = self._path.with_name(f".{self._path.name[:100]}.{uuid4().hex[:8]}.part")
        try:
            shutil.copyfile(spooled, beside)
            shutil.copymode(spooled, beside)
            try:
                self._put(beside)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ENOTSUP):
                    raise
                # No hard links here: between the question and the move is an instant.
                self._check_file()
                beside.rename(self._path)
        finally:
            beside.unlink(missing_ok=True)

    def _put(self, complete: Path) -> None:
        """Give a complete file of this disk its final name; it may lose its other one."""
        if self._force:
            complete.replace(self._path)
        else:
            # Unlike a rename, it fails when somebody made the file meanwhile.
            os.link(complete, self._path)

    def _failed(self, error: OSError) -> MpError:
        if isinstance(error, FileExistsError):
            return self._there()
        if error.errno in _FULL:
            return DiskFullError(
                f"There is no room for {self._asked}: {error.strerror}.",
                hint="Free space there, or use another disk. Nothing was left there.",
            )
        if error.filename is not None and "export-" in str(error.filename):
            return MpError(
                f"The file that the server wrote is gone: {error.filename}.",
                hint="Run the command again.",
            )
        return UsageError(
            f"{self._asked} cannot be written: {error.strerror}.", hint="Use another folder."
        )


def _umask() -> int:
    """This process's mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
