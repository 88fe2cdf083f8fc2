"""More calls than a project has: tests of load use up an hour's 60 in a minute. Never asserts."""

from mp_mcp.mixpanel.ledger import Ledger
from mp_mcp.settings import Home
from mp_mcp.state import open_state


def grant(home: Home, project: str) -> None:
    """Let this project of this host ask without end; before a server runs."""
    home.create()
    state = open_state(home.state)
    for api in ("export", "query"):
        Ledger(state).state_quota(project, api, per_window=100_000, at_once=None)
    state.close()
