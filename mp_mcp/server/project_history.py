"""The handle of the history: the calls of one project, for its clients. Never shows others."""

from mp_mcp.history import Entry, History, Wanted
from mp_mcp.server import history
from mp_mcp.server.calls import CURRENT


class HistoryOfProject(History):
    """What the tool of the history may see."""

    def __init__(self, kept: history.History, project: str) -> None:
        self._kept = kept
        self._project = project

    async def latest(self, wanted: Wanted) -> list[Entry]:
        """The calls of this project that are wanted, newest first."""
        return self._kept.entries(wanted._replace(project=self._project))

    def is_own(self, entry: Entry) -> bool:
        """Whether the client that asks made this call."""
        asking = CURRENT.get()
        return asking is not None and entry.client == asking.client.label
