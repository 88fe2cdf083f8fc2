"""Whose a lock in the state folder is: our server's, a program's that serves itself, or nobody's.

Never waits, and never takes a lock to find out. Standard library only, because `mp` uses it.
"""

import os

from mp_mcp.errors import DatabaseLockedError
from mp_mcp.server import lease, processes
from mp_mcp.settings import Home


def way_out(home: Home, pid: int | None) -> str | None:
    """What to do about a lock of this process (None: nobody knows which), if it is one of ours."""
    server = lease.server_info(home).get("pid")
    if server != os.getpid() and pid in (None, server) and lease.is_held(home):
        return "Our server runs: use it (unset MP_SERVER), or run `mp server stop`."
    if pid is not None and pid in processes.embedded(home):
        return f"Process {pid} is its own server (MP_SERVER=off): wait for its end, or end it."
    return None


def require_state(home: Home) -> None:
    """Raises: DatabaseLockedError when another of our programs has what this one would answer from.

    Who serves itself meanwhile goes on in memory, and would tell of an empty history.
    """
    if not home.is_embedded:
        return
    others: list[int | None] = [*(processes.embedded(home) - {os.getpid()})]
    for pid in (None, *others):
        hint = way_out(home, pid)
        if hint is not None:
            raise DatabaseLockedError("state.db is open in another mp-mcp.", hint=hint)
