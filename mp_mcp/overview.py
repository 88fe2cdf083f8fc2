"""The Overview handle: where a call stands (project, account, server, clients).

Never opens the database: what it says is what the server knows already.
"""

from abc import ABC, abstractmethod

from pydantic import BaseModel, Field

from mp_mcp.results import Result
from mp_mcp.tool import Handle


class TableSummary(BaseModel):
    """A table as last seen."""

    name: str
    rows: int | None = None
    first_day: str | None = None
    last_day: str | None = None


class BudgetNow(BaseModel):
    """One of Mixpanel's rate limits; units come back one by one, `window_s` after each was spent.

    Times are in seconds.
    """

    api: str = Field(description="query, jql, export or lexicon")
    used: int
    limit: int
    window_s: float
    next_free_s: float | None = None
    running: int = Field(description="requests under way")
    at_once: int | None = None


class Workspace(Result):
    """The answer of inspect_workspace."""

    account: str | None = Field(default=None, description="stored account in use, if any")
    source: str = Field(description="where the credentials come from; 'none' without any")
    region: str
    base_url: str | None = None
    workspace_id: str | None = Field(default=None, description="data view, if one is chosen")
    database: str = Field(default="", description="path of the project's DuckDB file")
    database_state: str = Field(default="absent", description="absent, closed, open or read_only")
    tables: list[TableSummary] | None = Field(
        default=None, description="as last seen; null when not known yet: call inspect_tables"
    )
    budget: list[BudgetNow] | None = Field(
        default=None, description="what all users of this project spent of Mixpanel's rate limits"
    )
    state: str | None = Field(
        default=None,
        description="file; or memory, when state.db cannot be used: then budget and cache end "
        "with the server",
    )
    server_version: str
    server_pid: int
    clients: list[str] = Field(description="labels of the clients connected now")


class Overview(Handle, ABC):
    """Lent to inspect_workspace."""

    @abstractmethod
    async def workspace(self) -> Workspace:
        """Where this client stands."""
