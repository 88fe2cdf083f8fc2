"""Where state lives and what a client brings along: flags over environment.

The only reader of `MP_*` settings (but MP_LOG, which is the server's own). Standard library only
and cheap to import, because `mp` starts with it; it never reads stored accounts (`accounts.py`).
"""

import math
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mp_mcp.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX")
"""Where there are none (Windows), every process is its own server."""

VARIABLES: Mapping[str, str] = {
    "MP_HOME": "state folder, `~/.mp` (mode 0700): `mp.toml`, `state.db` (budget, cache, jobs), "
    "`data/`, `spool/`, `run/`, `logs/`",
    "MP_SERVER": "`off`: each program is its own server (containers, CI), and shares nothing",
    "MP_ACCOUNT": "which stored account; `--account` wins over all of these",
    "MP_USERNAME": "user name of a service account that is not stored",
    "MP_SECRET": "its secret",
    "MP_OAUTH_TOKEN": "a bearer token in place of both",
    "MP_PROJECT_ID": "project",
    "MP_REGION": "region: us, eu or in",
    "MP_WORKSPACE_ID": "data view",
    "MP_API_BASE_URL": "one base URL for all of Mixpanel's hosts: proxies, simulators; its data is "
    "kept apart",
    "MP_LOCK_WAIT": "seconds to wait for a foreign program's lock, 5",
    "MP_LOG": "log level of the server, INFO; with `MP_SERVER=off` it also turns the log on",
}
"""Every variable of ours, as the README shows it."""


class _Place:
    """A path in the state folder, made when it is asked for: `mp` can do without pathlib's 4 ms."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def __get__(self, home: "Home", _: object) -> "Path":
        from pathlib import Path

        return Path(home.name, self.name)


class Home:
    """The state folder and the names of everything in it."""

    path = _Place()
    config = _Place("mp.toml")
    older_config = _Place("config.toml")
    state = _Place("state.db")
    run = _Place("run")
    socket = _Place("run/mp.sock")
    server_info = _Place("run/server.json")
    logs = _Place("logs")
    server_log = _Place("logs/server.log")
    server_stderr = _Place("logs/server.stderr")

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self.name = os.fspath(path)
        self.address = f"{self.name}/run/mp.sock"
        """The name of the socket, for those who connect."""
        self.is_embedded = False
        """Whether this process is its own server, and asks no shared one."""

    def create(self) -> None:
        """Make the folders, readable by the owner only."""
        for folder in (self.path, self.run, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def find_home(environ: Mapping[str, str] = os.environ) -> Home:
    """`$MP_HOME`, or `~/.mp`. Raises: SettingsError."""
    chosen = environ.get("MP_HOME") or "~/.mp"
    found = os.path.expanduser(chosen)  # noqa: PTH111 - see _Place
    if found.startswith("~"):
        raise SettingsError(
            f"The home folder in {chosen} cannot be found.", hint="Set MP_HOME to a folder."
        )
    # Only then: the folder that we are in may be gone.
    home = Home(found if os.path.isabs(found) else f"{os.getcwd()}/{found}")  # noqa: PTH109, PTH117
    server = environ.get("MP_SERVER") or "on"
    if server not in ("on", "off"):
        raise SettingsError(f"MP_SERVER is {server!r}.", hint="Set it to off, or unset it.")
    home.is_embedded = server == "off" or not HAS_UNIX_SOCKETS
    return home


class Asking(NamedTuple):
    """What a client brings along: its flags and environment. Sent in the greeting, kept in memory.

    `lock_wait_s` is how long a storage call may wait for a foreign program's lock, in seconds.
    """

    account: str | None = None
    username: str | None = None
    secret: str | None = None
    oauth_token: str | None = None
    project_id: str | None = None
    region: str | None = None
    base_url: str | None = None
    workspace_id: str | None = None
    lock_wait_s: float = 5.0

    def __repr__(self) -> str:
        return f"Asking(account={self.account!r}, project_id={self.project_id!r})"

    @property
    def has_account(self) -> bool:
        """Whether it says in whose name it asks, or leaves that to mp.toml."""
        return bool(self.account or self.username or self.secret or self.oauth_token)

    def as_dict(self) -> dict[str, Any]:
        """The fields that are set."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "Asking":
        """From a greeting; unknown keys (of a newer client) are ignored.

        Raises: SettingsError when a value has the wrong type.
        """
        chosen = {key: found[key] for key in cls._fields if found.get(key) is not None}
        for key, value in chosen.items():
            if key == "lock_wait_s":
                chosen[key] = seconds("The greeting's lock_wait_s", value, 5.0)
            elif not isinstance(value, str):
                raise SettingsError(f"The greeting's {key} has the wrong type.")
        return cls(**chosen)


def asking(
    environ: Mapping[str, str] = os.environ,
    *,
    account: str | None = None,
    project: str | None = None,
    workspace: str | None = None,
) -> Asking:
    """What this process brings along. An `account` flag hides the environment's credentials.

    Raises: SettingsError when MP_LOCK_WAIT is no number, or a flag is empty.
    """
    for name, value in (("--account", account), ("--project", project), ("--workspace", workspace)):
        if value == "":
            raise SettingsError(f"{name} is empty.", hint="Name one, or leave the flag out.")
    found = Asking(
        account=environ.get("MP_ACCOUNT") or None,
        username=environ.get("MP_USERNAME") or None,
        secret=environ.get("MP_SECRET") or None,
        oauth_token=environ.get("MP_OAUTH_TOKEN") or None,
        project_id=environ.get("MP_PROJECT_ID") or None,
        region=environ.get("MP_REGION") or None,
        base_url=environ.get("MP_API_BASE_URL") or None,
        workspace_id=environ.get("MP_WORKSPACE_ID") or None,
        lock_wait_s=seconds("MP_LOCK_WAIT", environ.get("MP_LOCK_WAIT"), 5.0),
    )
    if account:
        found = found._replace(
            account=account,
            username=None,
            secret=None,
            oauth_token=None,
            project_id=None,
            region=None,
            workspace_id=None,
        )
    if project:
        found = found._replace(project_id=project)
    return found._replace(workspace_id=workspace) if workspace else found


def seconds(name: str, value: object, default: float) -> float:
    """A setting as a number of seconds. Raises: SettingsError."""
    if value is None or value == "":
        return default
    return max(0.0, number(name, value, "a number of seconds"))


def number(name: str, value: object, kind: str = "a number") -> float:
    """A setting as a number. Raises: SettingsError."""
    wrong = SettingsError(f"{name} must be {kind}, not {value!r}.", hint="Example: 5")
    try:
        found = float(str(value))
    except ValueError as error:
        raise wrong from error
    if not math.isfinite(found):
        raise wrong
    return found
