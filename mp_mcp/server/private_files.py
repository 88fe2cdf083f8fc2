"""Files that only their owner may read: the folder of the socket, and the token of the HTTP door.

Never follows a symbolic link: what lies there must be what we put there. Standard library only.
"""

import os
import stat
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from mp_mcp.errors import SettingsError
from mp_mcp.settings import Home

if TYPE_CHECKING:
    from pathlib import Path

SHORTEST_TOKEN = 32


def require_own_folder(home: Home) -> None:
    """Refuse a `run` folder that somebody else could have prepared; a missing one is fine.

    Clients send secrets to the socket in there. Raises: SettingsError.
    """
    if not hasattr(os, "geteuid"):
        return  # Windows: there is no socket, and folders have no such modes
    _close_to_others(home.name)
    path = f"{home.name}/run"
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be looked at: {error.strerror}.", hint="Choose another MP_HOME."
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no folder"
        raise SettingsError(f"{path} is {what}, and is not used.", hint=f"Run: rm {path}")
    if found.st_uid != os.geteuid():
        raise SettingsError(
            f"{path} belongs to another user, and is not used.", hint="Choose another MP_HOME."
        )
    if found.st_mode & 0o022:
        raise SettingsError(
            f"{path} can be changed by other users, and is not used.", hint=f"Run: chmod 700 {path}"
        )
    _require_no_links(path)


def _close_to_others(path: str) -> None:
    """Who can write to the state folder can put others in the place of those in it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - `mp` can do without pathlib's 4 ms
    except OSError:
        return  # there is none yet, or what looks at `run` says why
    is_open = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
    if is_open and found.st_uid == os.geteuid():
        with suppress(OSError):  # a file system that is only read
            os.chmod(path, stat.S_IMODE(found.st_mode) & ~0o022)  # noqa: PTH101
    elif is_open:
        raise SettingsError(
            f"{path} can be changed by other users, and is not used.",
            hint=f"Choose a folder of yours, for instance: MP_HOME={path}/mp",
        )


def _require_no_links(path: str) -> None:
    for entry in os.scandir(path):
        if entry.is_symlink():
            raise SettingsError(
                f"{entry.path} is a symbolic link, and is not used.", hint=f"Run: rm {entry.path}"
            )


def private_log(path: "Path") -> IO[bytes]:
    """A file to append to, for its owner only: what opens it may be a client with any umask."""
    opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.fchmod(opened, 0o600)  # an older version made it for all
    return os.fdopen(opened, "ab")


def http_token(home: Home, *, create: bool) -> str:
    """The bearer token of the HTTP door; it stays the same until its file is removed.

    Raises: SettingsError when the file is missing (without `create`) or not ours alone.
    """
    path = home.path / "run" / "http.token"
    if create:
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            pass
        else:
            import secrets  # 3 ms that each start of `mp` would pay

            with os.fdopen(opened, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
    token = _read_own(path).strip()
    if len(token) < SHORTEST_TOKEN:
        raise SettingsError(
            f"{path} holds no token.", hint=f"Run: rm {path}; the next start makes another one."
        )
    return token


def _read_own(path: "Path") -> str:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", hint="Run: mp server start --http"
        ) from error
    with os.fdopen(opened, encoding="ascii", errors="replace") as file:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise SettingsError(f"{path} is not a file of yours.", hint=f"Run: rm {path}")
        if found.st_mode & 0o077:
            raise SettingsError(
                f"{path} can be read by other users: its token is known to them.",
                hint=f"Run: rm {path}; the next start makes another one.",
            )
        return file.read(1000)


def forbid_core_dumps() -> None:
    """This process keeps secrets in memory: a dump of it would write them to the disk."""
    with suppress(ImportError, OSError, ValueError):  # no such thing on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
