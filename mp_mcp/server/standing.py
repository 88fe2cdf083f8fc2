"""ProjectStanding: one client's account and project at one time, with the handles for them.

Never changes its mind: when the settings change, the lender makes another one.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.to_thread

from mp_mcp import __version__, keychain
from mp_mcp.bounds import Bounds
from mp_mcp.errors import CredentialsError, MpError, UsageError
from mp_mcp.history import History
from mp_mcp.jobs import JobControl, Jobs
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport, MixpanelLogin
from mp_mcp.overview import Overview, Workspace
from mp_mcp.resolve import Resolved
from mp_mcp.server import budgets
from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.project_history import HistoryOfProject
from mp_mcp.server.project_jobs import JobsOfProject
from mp_mcp.server.workspaces import Workspaces, database_path
from mp_mcp.settings import Asking
from mp_mcp.store.handles import StoreReader, StoreWriter
from mp_mcp.tool import Handle

if TYPE_CHECKING:
    from mp_mcp.store.open_store import Store
    from mp_mcp.store.reads import Limits

AGENT_TIMEOUT_S = 30.0
HUMAN_TIMEOUT_S = 600.0

KEYRING_PATIENCE_S = 30.0
"""How long somebody may take to unlock the keyring."""


class Seen(NamedTuple):
    """An account and project that a client had answers from; None is what it does not know."""

    account: str | None
    project_id: str | None

    def __str__(self) -> str:
        project = f"project {self.project_id or 'none'}"
        return f"{self.account} ({project})" if self.account else project

    def is_another_than(self, before: "Seen") -> bool:
        """Whether answers from there and from here cannot be compared."""
        is_other_account = before.account is not None and before.account != self.account
        return before.project_id != self.project_id or is_other_account

    @classmethod
    def from_dict(cls, found: Any) -> "Seen | None":
        """From a greeting; whatever it does not say in texts is not known."""
        if not isinstance(found, Mapping) or not isinstance(found.get("project"), str):
            return None
        account = found.get("account")
        return cls(account if isinstance(account, str) else None, found["project"])


class ProjectStanding:
    """The Standing of calls. `found` is the error when the settings are unusable."""

    def __init__(
        self,
        workspaces: Workspaces,
        asking: Asking,
        found: Resolved | MpError,
        bounds: Bounds,
        jobs: JobRunner,
    ) -> None:
        self.resolved = None if isinstance(found, MpError) else found
        self.notice: str | None = None
        self._seen: Seen | None = None
        self._unlocking = anyio.Lock()
        self._found = found
        self._workspaces = workspaces
        self._asking = asking
        self._bounds = bounds
        self._jobs = jobs
        self._store: Store | None = None
        self._lenders: dict[type[Handle], Callable[..., Awaitable[Handle]]] = {
            Mixpanel: self._mixpanel,
            MixpanelExport: self._export,
            MixpanelLogin: self._login,
            StoreReader: self._reader,
            StoreWriter: self._writer,
            Overview: self._overview,
            History: self._history,
            Jobs: self._jobs_here,
            JobControl: self._jobs_here,
        }

    @property
    def project(self) -> str | None:
        """The project that answers name; None while none is chosen."""
        return self.resolved.project_id if self.resolved else None

    @property
    def project_key(self) -> str:
        """The project and where it lives; empty while none is chosen."""
        return self.resolved.project_key if self.resolved and self.resolved.project_id else ""

    @property
    def has_credentials(self) -> bool:
        """Whether Mixpanel can be asked from here."""
        return self.resolved is not None and self.resolved.has_credentials

    def asking(self) -> dict[str, Any]:
        """What a client has to ask for to stand here, but for secrets."""
        here = self.resolved
        if here is None:
            return {}
        asking = Asking(
            account=here.account,
            project_id=here.project_id,
            region=here.region,
            base_url=here.base_url,
            workspace_id=here.workspace_id,
            lock_wait_s=self._asking.lock_wait_s,
        )
        return asking.as_dict()

    @property
    def seen(self) -> Seen | None:
        """What the client knows of: a change that it was not told of yet, it does not."""
        if self.resolved is None or self.notice is not None:
            return self._seen
        return Seen(self.resolved.account, self.resolved.project_id)

    def follow(self, seen: Seen | None) -> None:
        """The client has `seen` another standing before: tell it when this is another project."""
        self._seen = seen
        if seen is None or self.resolved is None:
            return
        here = Seen(self.resolved.account, self.resolved.project_id)
        if here.is_another_than(seen):
            self.notice = (
                f"The default account was switched since your last call: from {seen} to {here}. "
                "Do not compare answers from before with those from now on."
            )

    def notice_told(self) -> None:
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
            raise self._found.with_hint(self._found.hint or "")
        return self._found

    async def _with_secret(self) -> Resolved:
        """What is needed to ask Mixpanel; the keyring is asked once."""
        async with self._unlocking:
            found = self._usable()
            if not found.in_keyring or found.account is None or found.secret or found.oauth_token:
                return found
            secret = await self._from_keyring(found.account)
            # An account with a user name has a secret, one without has a token.
            field = "secret" if found.username else "oauth_token"
            self._found = self.resolved = found.with_secret(**{field: secret})
            return self._found

    async def _from_keyring(self, account: str) -> str:
        try:
            with anyio.fail_after(KEYRING_PATIENCE_S):
                return await anyio.to_thread.run_sync(
                    keychain.secret_of, self._workspaces.home, account, abandon_on_cancel=True
                )
        except TimeoutError as error:
            raise CredentialsError(
                "The keyring did not answer: it may be waiting for you to unlock it.",
                hint=f"Unlock it and call again, or run `mp auth login {account} --store file`.",
            ) from error

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
        return (await self._opened_store()).reader(self._limits())

    async def _writer(self, job_id: str | None = None) -> Handle:
        return (await self._opened_store()).writer(self._limits(), job_id=job_id)

    def _limits(self) -> "Limits":
        from mp_mcp.store.reads import Limits

        longest = AGENT_TIMEOUT_S if self._bounds.max_bytes else HUMAN_TIMEOUT_S
        return Limits(self._bounds.max_rows, self._bounds.max_bytes, AGENT_TIMEOUT_S, longest)

    async def _jobs_here(self) -> Handle:
        self._usable().require_project()
        return JobsOfProject(self._jobs, self.project_key)

    async def _overview(self) -> Handle:
        return _Overview(self)

    async def _history(self) -> Handle:
        return HistoryOfProject(self._workspaces.history, self.project_key)

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
            state=budgets.where_kept(self._workspaces),
            **about_the_project,
        )


class _Overview(Overview):
    def __init__(self, here: ProjectStanding) -> None:
        self._here = here

    async def workspace(self) -> Workspace:
        return self._here.workspace()


def _file_state(path: str) -> str:
    # stat, never open: opening the file in this process would drop DuckDB's lock on it.
    return "closed" if path and os.path.exists(path) else "absent"  # noqa: PTH110
