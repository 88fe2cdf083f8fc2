"""ProjectLender: where a client stands, and the handles that it may be lent there.

Never lends more than its settings allow; a missing account or project is found here, by the call
that needs it, so that every other call goes on.
"""

import os

from mp_mcp.accounts import read_stored
from mp_mcp.bounds import Bounds
from mp_mcp.errors import MpError
from mp_mcp.resolve import Resolved, resolve
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.standing import ProjectStanding, Seen
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Asking


class ProjectLender:
    """One client's settings; they follow mp.toml where the client leaves the choice to it."""

    def __init__(
        self,
        workspaces: Workspaces,
        asking: Asking,
        bounds: Bounds,
        jobs: JobRunner,
        known: Seen | None = None,
    ) -> None:
        """`known` is what a former server told this client of its account and project."""
        home = workspaces.home
        self._workspaces = workspaces
        self._jobs = jobs
        self._asking = asking
        self._bounds = bounds
        self._known = known
        self._stay_with(known)
        # As texts: making paths costs more than looking at the files.
        self._configs = [os.fspath(path) for path in (home.config, home.older_config)]
        self._here: ProjectStanding | None = None
        self._config_stamp: object = None

    def standing(self) -> ProjectStanding:
        """Where a call that begins now stands; never fails."""
        stamp = [_stamp(path) for path in self._configs]
        if self._here is None or stamp != self._config_stamp:
            self._config_stamp = stamp
            self._here = self._moved(self._here)
        return self._here

    def last_standing(self) -> ProjectStanding:
        """Where the last call that began stood."""
        return self._here or self.standing()

    def _moved(self, before: ProjectStanding | None) -> ProjectStanding:
        """The standing by the settings of now, and a notice when that is another project."""
        found: Resolved | MpError
        try:
            found = resolve(self._asking, read_stored(self._workspaces.home))
        except MpError as error:
            found = error
        else:
            self._stay_with(Seen(found.account, found.project_id))
        here = ProjectStanding(self._workspaces, self._asking, found, self._bounds, self._jobs)
        here.follow(before.seen if before else self._known)
        return here

    def _stay_with(self, seen: Seen | None) -> None:
        """Who names a project did not leave the account to a later switch."""
        if seen and seen.account and self._asking.project_id and not self._asking.has_account:
            self._asking = self._asking._replace(account=seen.account)


class AsLastSeen:
    """Lends where the call that began last stands: whoever began it has looked.

    Two looks per call would cost it four more system calls, and tell it nothing.
    """

    def __init__(self, lender: ProjectLender) -> None:
        self._lender = lender

    def standing(self) -> ProjectStanding:
        """As it was when the last call began; never fails."""
        return self._lender.last_standing()


def _stamp(path: str) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 - the cheap form, on every call
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
