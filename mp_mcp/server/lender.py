"""ProjectLender: where a client stands, and the handles that it may be lent there.

Never lends more than its settings allow; a missing account or project is found here, by the call
that needs it, so that every other call goes on.
"""

import os

from mp_mcp.accounts import read_stored
from mp_mcp.call import Bounds
from mp_mcp.errors import MpError
from mp_mcp.resolve import Resolved, resolve
from mp_mcp.server.standing import Here
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Asking


class ProjectLender:
    """One client's settings; they follow mp.toml where the client leaves the choice to it."""

    def __init__(self, workspaces: Workspaces, asking: Asking, bounds: Bounds) -> None:
        self._workspaces = workspaces
        self._asking = asking
        self._bounds = bounds
        self._here: Here | None = None
        self._known: Resolved | None = None
        self._config_stamp: object = None

    def standing(self) -> Here:
        """Where a call that begins now stands; never fails."""
        home = self._workspaces.home
        stamp = _stamp(home.config), _stamp(home.older_config)
        if self._here is None or stamp != self._config_stamp:
            self._config_stamp = stamp
            self._here = self._moved(self._here)
        return self._here

    def _moved(self, before: Here | None) -> Here:
        """The standing by the settings of now, and a notice when that is another project."""
        found: Resolved | MpError
        try:
            found = resolve(self._asking, read_stored(self._workspaces.home))
        except MpError as error:
            found = error
        else:
            self._stay_with(found)
        here = Here(self._workspaces, self._asking, found, self._bounds)
        if before is not None and self._known is not None:
            here.notice = _notice(self._known, found) or before.notice
        self._known = here.resolved or self._known
        return here

    def _stay_with(self, found: Resolved) -> None:
        """Who names a project did not leave the account to a later switch."""
        if found.account and self._asking.project_id and not self._asking.account:
            self._asking = self._asking._replace(account=found.account)


def _notice(known: Resolved, found: Resolved | MpError) -> str | None:
    """What to tell a client that had its last answer where `known` says."""
    if isinstance(found, MpError):
        return None
    if (known.account, known.project_id) == (found.account, found.project_id):
        return None
    return (
        f"The default account was switched since your last call: from {_named(known)} to "
        f"{_named(found)}. Do not compare answers from before with those from now on."
    )


def _named(found: Resolved) -> str:
    return f"{found.account or 'no account'} (project {found.project_id or 'none'})"


def _stamp(path: os.PathLike[str]) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 - the cheap form, on every call
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
