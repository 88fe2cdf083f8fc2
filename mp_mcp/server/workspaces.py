"""Workspaces: what belongs to a project, opened when first needed and shared by all clients.

Never reads an environment variable and never keeps a client's credentials after it has gone.
httpx and duckdb are imported by the first call that needs them, so that the server starts fast and
an API call works where duckdb does not.
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from mp_mcp.accounts import ServerSettings
from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport, MixpanelLogin
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.resolve import Resolved, base_url_name
from mp_mcp.server import owners
from mp_mcp.server.history import History
from mp_mcp.settings import Home
from mp_mcp.state import State, open_state

if TYPE_CHECKING:
    from mp_mcp.mixpanel.connect import SharedMixpanel
    from mp_mcp.mixpanel.http import Pool
    from mp_mcp.store.open_store import Files, Store


class Workspaces:
    """The files and the connection pool of this process."""

    def __init__(self, home: Home, settings: ServerSettings) -> None:
        self.home = home
        self.settings = settings
        self.clients: Callable[[], list[str]] = list
        self._files: Files | None = None
        self._mixpanel: SharedMixpanel | None = None
        self._opening = anyio.Lock()
        self._state: State | None = None
        self._budget: Budget | None = None
        self.history = History(self.state, settings.history_days)

    def clean_spool(self) -> None:
        """Remove the files of a server that was killed; only the lease's holder may."""
        for kind in ("load", "export"):
            for folder in (self.home.path / "spool").glob(f"*/{kind}-*"):
                shutil.rmtree(folder, ignore_errors=True)
        for rejects in (self.home.path / "spool").glob("*/rejects-*"):
            with suppress(OSError):
                if not rejects.stat().st_size:  # else somebody may have been told of it
                    rejects.unlink()

    async def mixpanel(self, resolved: Resolved, *, fresh: bool) -> Mixpanel:
        """The reports of this project."""
        resolved.require_project()
        side = await self.shared_mixpanel()
        return side.reports(_target(resolved), fresh=fresh)

    async def export(self, resolved: Resolved) -> MixpanelExport:
        """The raw data of this project."""
        resolved.require_project()
        return (await self.shared_mixpanel()).exports(_target(resolved))

    async def login(self, resolved: Resolved) -> MixpanelLogin:
        """The check of these credentials."""
        return MixpanelLogin((await self.shared_mixpanel()).transport(_target(resolved)))

    async def shared_mixpanel(self) -> "SharedMixpanel":
        """What asks Mixpanel, shared by all clients."""
        async with self._opening:
            if self._mixpanel is None:
                state, budget = self.state(), self.budget()
                # Imports and certificates take a while: other clients must not wait for them.
                pool = await anyio.to_thread.run_sync(_open_pool)
                most_bytes = int(self.settings.max_cache_mb * 1_000_000)
                self._mixpanel = _shared_mixpanel(pool, state, budget, most_bytes)
        return self._mixpanel

    def state(self) -> State:
        """What outlives this process. Raises: SettingsError when a newer mp-mcp wrote it."""
        if self._state is None:
            self._state = open_state(self.home.state)
        return self._state

    def budget(self) -> Budget:
        """The rate budget of all projects. Raises: SettingsError, as `state`."""
        if self._budget is None:
            self._budget = Budget(self.state())
        return self._budget

    async def store(self, resolved: Resolved, lock_wait_s: float) -> "Store":
        """The project's database; nothing is opened yet."""
        path = database_path(self.home, resolved)
        if self._files is None:
            # duckdb takes a quarter of a second to import: other clients must not wait for it.
            opened = await anyio.to_thread.run_sync(self._open_files)
            self._files = self._files or opened
        spool = self.home.path / "spool" / resolved.require_project()
        return self._files.store(
            path,
            spool=spool,
            lock_wait_s=lock_wait_s,
            release_after_s=self.settings.release_after_s,
            late_days=self.settings.late_days,
        )

    def _open_files(self) -> "Files":
        from mp_mcp.store.open_store import Capacity, Files

        return Files(
            partial(owners.way_out, self.home),
            Capacity(
                int(self.settings.max_waiting_writes),
                int(self.settings.max_reads),
                self.settings.max_database_percent,
            ),
        )

    def status(self) -> list[dict[str, Any]]:
        """State of each database that was used. Opens nothing."""
        return self._files.status() if self._files else []

    @property
    def open_files(self) -> int:
        """How many database files this process holds."""
        return self._files.open_count if self._files is not None else 0

    async def sweep(self) -> None:
        """Free what replaced rows take in the open files; others may be at work."""
        if self._files is not None:
            await self._files.sweep()

    async def tidy(self) -> None:
        """Do in a quiet moment what makes the open files small and quick to read."""
        if self._files is not None:
            await self._files.tidy()

    async def close(self) -> None:
        """Let go of every file and connection, after the running transactions."""
        if self._files is not None:
            await self._files.close()
        if self._mixpanel is not None:
            await self._mixpanel.close()
        self.history.write()
        if self._state is not None:
            self._state.close()


def _open_pool() -> "Pool":
    from mp_mcp.mixpanel import connect

    return connect.open_pool()


def _shared_mixpanel(
    pool: "Pool", state: State, budget: Budget, most_bytes: int
) -> "SharedMixpanel":
    from mp_mcp.mixpanel import connect

    return connect.SharedMixpanel(pool, state, budget, most_bytes)


def _target(resolved: Resolved) -> Target:
    resolved.require_credentials()
    credentials = Credentials.of(
        username=resolved.username, secret=resolved.secret, oauth_token=resolved.oauth_token
    )
    return Target(
        credentials,
        resolved.project_id or "",
        resolved.region,
        resolved.base_url,
        resolved.workspace_id,
    )


def database_path(home: Home, resolved: Resolved) -> Path:
    """`data/<project>.db`; behind another base URL `data/<host>-<port>/<project>.db`.

    So a simulator's rows never enter the real file. Raises: SettingsError without a project.
    """
    folder = home.path / "data"
    if resolved.base_url:
        folder /= base_url_name(resolved.base_url)
    return folder / f"{resolved.require_project()}.db"
