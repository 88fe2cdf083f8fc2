"""ProjectLender: lends a client the handles of the project and account that it asked for.

Never lends more than its settings allow; a missing account or project is found here, by the call
that needs it, so that every other call goes on.
"""

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mp_mcp import __version__
from mp_mcp.accounts import Resolved, read_stored, resolve
from mp_mcp.call import Bounds
from mp_mcp.errors import MpError, UsageError
from mp_mcp.mixpanel.client import Mixpanel, MixpanelLogin
from mp_mcp.overview import Overview, Workspace
from mp_mcp.server.workspaces import Workspaces, database_path
from mp_mcp.settings import Asking
from mp_mcp.store.handles import StoreReader, StoreWriter
from mp_mcp.tool import Handle

if TYPE_CHECKING:
    from mp_mcp.store.open_store import Store

AGENT_TIMEOUT_S = 30.0
HUMAN_TIMEOUT_S = 600.0

CONFIG_LOOK_S = 0.25
"""How long a look at mp.toml is good for: a look costs as much as a small query."""


class ProjectLender:
    """One client's view of one project."""

    def __init__(self, workspaces: Workspaces, asking: Asking, bounds: Bounds) -> None:
        self._workspaces = workspaces
        self._asking = asking
        self._bounds = bounds
        self._resolved: Resolved | None = None
        self._config_stamp: object = None
        self._looked = 0.0
        self._store: Store | None = None
        self._lenders: dict[type[Handle], Callable[[], Awaitable[Handle]]] = {
            Mixpanel: self._mixpanel,
            MixpanelLogin: self._login,
            StoreReader: self._reader,
            StoreWriter: self._writer,
            Overview: self._overview,
        }

    @property
    def project(self) -> str | None:
        """The project that answers name; None while none is chosen."""
        with suppress(MpError):
            return self.resolved().project_id
        return None

    async def lend(self, handle: type[Handle]) -> Handle:
        """Raises: SettingsError, CredentialsError when the settings do not allow it."""
        lend = self._lenders.get(handle)
        if lend is None:
            raise UsageError(f"{handle.__name__} cannot be lent here.")
        return await lend()

    def resolved(self) -> Resolved:
        """The account and project in use; follows mp.toml when that changes.

        Raises: SettingsError, CredentialsError.
        """
        now = time.monotonic()
        if self._resolved is not None and now - self._looked < CONFIG_LOOK_S:
            return self._resolved
        home = self._workspaces.home
        stamp = _stamp(home.config), _stamp(home.older_config)
        if self._resolved is None or stamp != self._config_stamp:
            self._resolved = resolve(self._asking, read_stored(home))
            self._config_stamp = stamp
            self._store = None
        self._looked = now
        return self._resolved

    async def _opened_store(self) -> "Store":
        resolved = self.resolved()
        if self._store is None:
            self._store = await self._workspaces.store(resolved, self._asking.lock_wait_s)
        return self._store

    async def _mixpanel(self) -> Handle:
        return await self._workspaces.mixpanel(self.resolved())

    async def _login(self) -> Handle:
        return await self._workspaces.login(self.resolved())

    async def _reader(self) -> Handle:
        from mp_mcp.store.reads import Limits

        longest = AGENT_TIMEOUT_S if self._bounds.max_bytes else HUMAN_TIMEOUT_S
        limits = Limits(self._bounds.max_rows, self._bounds.max_bytes, AGENT_TIMEOUT_S, longest)
        return (await self._opened_store()).reader(limits)

    async def _writer(self) -> Handle:
        return (await self._opened_store()).writer()

    async def _overview(self) -> Handle:
        return _Overview(self)

    def workspace(self) -> Workspace:
        """What is known without asking Mixpanel or the database; never fails."""
        try:
            resolved = self.resolved()
        except MpError as error:
            return self._here(source=f"unusable: {error.message}", region="unknown")
        path = ""
        if resolved.project_id:
            path = str(database_path(self._workspaces.home, resolved).resolve())
        known = next((s for s in self._workspaces.status() if s["path"] == path), None)
        return self._here(
            project=resolved.project_id,
            account=resolved.account,
            source=resolved.source,
            region=resolved.region,
            base_url=resolved.base_url,
            database=path,
            database_state=known["state"] if known else _file_state(path),
            tables=known["tables"] if known else None,
        )

    def _here(self, **about_the_project: Any) -> Workspace:
        return Workspace(
            server_version=__version__,
            server_pid=os.getpid(),
            clients=self._workspaces.clients(),
            **about_the_project,
        )


class _Overview(Overview):
    def __init__(self, lender: ProjectLender) -> None:
        self._lender = lender

    async def workspace(self) -> Workspace:
        return self._lender.workspace()


def _file_state(path: str) -> str:
    # stat, never open: opening the file in this process would drop DuckDB's lock on it.
    return "closed" if path and os.path.exists(path) else "absent"  # noqa: PTH110


def _stamp(path: os.PathLike[str]) -> object:
    try:
        found = os.stat(path)  # noqa: PTH116 - the cheap form, on every call
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
