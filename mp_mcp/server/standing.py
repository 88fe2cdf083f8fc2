"""Here: one client's account and project at one time, and the handles that belong to them.

Never changes its mind: when the settings change, the lender makes another one.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from mp_mcp import __version__, keychain
from mp_mcp.call import Bounds
from mp_mcp.errors import MpError, UsageError
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport, MixpanelLogin
from mp_mcp.overview import Overview, Workspace
from mp_mcp.resolve import Resolved
from mp_mcp.server import budgets
from mp_mcp.server.workspaces import Workspaces, database_path
from mp_mcp.settings import Asking
from mp_mcp.store.handles import StoreReader, StoreWriter
from mp_mcp.tool import Handle

if TYPE_CHECKING:
    from mp_mcp.store.open_store import Store

AGENT_TIMEOUT_S = 30.0
HUMAN_TIMEOUT_S = 600.0


class Here:
    """A call's Standing. `found` is the error when the settings are unusable."""

    def __init__(
        self, workspaces: Workspaces, asking: Asking, found: Resolved | MpError, bounds: Bounds
    ) -> None:
        self.resolved = None if isinstance(found, MpError) else found
        self.notice: str | None = None
        self._found = found
        self._workspaces = workspaces
        self._asking = asking
        self._bounds = bounds
        self._store: Store | None = None
        self._lenders: dict[type[Handle], Callable[..., Awaitable[Handle]]] = {
            Mixpanel: self._mixpanel,
            MixpanelExport: self._export,
            MixpanelLogin: self._login,
            StoreReader: self._reader,
            StoreWriter: self._writer,
            Overview: self._overview,
        }

    @property
    def project(self) -> str | None:
        """The project that answers name; None while none is chosen."""
        return self.resolved.project_id if self.resolved else None

    def told(self) -> None:
        """The notice has reached the client."""
        self.notice = None

    async def lend(self, handle: type[Handle], **options: Any) -> Handle:
        """Raises: SettingsError, CredentialsError when the settings do not allow it."""
        lend = self._lenders.get(handle)
        if lend is None:
            raise UsageError(f"{handle.__name__} cannot be lent here.")
        return await lend(**options)

    def _usable(self) -> Resolved:
        if isinstance(self._found, MpError):
            # Each call raises its own: hints are added to errors on their way.
            raise type(self._found)(self._found.message, hint=self._found.hint)
        return self._found

    async def _with_secret(self) -> Resolved:
        """What is needed to ask Mixpanel; the keyring is asked once."""
        found = self._usable()
        if not (found.in_keyring and found.account) or found.secret or found.oauth_token:
            return found
        secret = await anyio.to_thread.run_sync(
            keychain.secret_of, self._workspaces.home, found.account
        )
        # An account with a user name has a secret, one without has a token.
        found = (
            replace(found, secret=secret) if found.username else replace(found, oauth_token=secret)
        )
        self._found = self.resolved = found
        return found

    async def _mixpanel(self, fresh: bool) -> Handle:
        return await self._workspaces.mixpanel(await self._with_secret(), fresh=fresh)

    async def _export(self) -> Handle:
        return await self._workspaces.export(await self._with_secret())

    async def _login(self) -> Handle:
        return await self._workspaces.login(await self._with_secret())

    async def _opened_store(self) -> "Store":
        if self._store is None:
            self._store = await self._workspaces.store(self._usable(), self._asking.lock_wait_s)
        return self._store

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
        if isinstance(self._found, MpError):
            return self._described(source=f"unusable: {self._found.message}", region="unknown")
        resolved = self._found
        path, budget = "", None
        if resolved.project_id:
            path = str(database_path(self._workspaces.home, resolved).resolve())
            budget = budgets.of_project(self._workspaces, resolved.project_key)
        known = next((s for s in self._workspaces.status() if s["path"] == path), None)
        return self._described(
            project=resolved.project_id,
            account=resolved.account,
            source=resolved.source,
            region=resolved.region,
            base_url=resolved.base_url,
            workspace_id=resolved.workspace_id,
            database=path,
            database_state=known["state"] if known else _file_state(path),
            tables=known["tables"] if known else None,
            budget=budget,
        )

    def _described(self, **about_the_project: Any) -> Workspace:
        return Workspace(
            server_version=__version__,
            server_pid=os.getpid(),
            clients=self._workspaces.clients(),
            **about_the_project,
        )


class _Overview(Overview):
    def __init__(self, here: Here) -> None:
        self._here = here

    async def workspace(self) -> Workspace:
        return self._here.workspace()


def _file_state(path: str) -> str:
    # stat, never open: opening the file in this process would drop DuckDB's lock on it.
    return "closed" if path and os.path.exists(path) else "absent"  # noqa: PTH110
