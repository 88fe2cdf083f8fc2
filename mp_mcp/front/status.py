"""`mp status` and `mp cancel`: what goes on in the shared server, and how to stop a part of it.

Never starts a server, and never opens a database.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mp_mcp.errors import MpError, NotFoundError
from mp_mcp.front import calls_shown, link, render, sources, status_screen
from mp_mcp.front.command import Argument, command
from mp_mcp.front.flags import Flags
from mp_mcp.server import lease
from mp_mcp.settings import Home, asking, find_home
from mp_mcp.store import file_size


@command()
def status(flags: Flags) -> None:
    """Show the server, its clients, what runs and for how long, the budget and the tables.

    It neither starts a server nor opens a database. `mp cancel ID` stops what it lists.
    """
    home = find_home()
    try:
        found = link.ask(home, asking(), "mp/status", start=False).result
    except lease.Absent:
        found = {"running": False}
    found = {**found, "here": _here(home, flags)}
    if calls_shown.is_for_people(flags):
        render.write(status_screen.text(found))
    else:
        render.show(found, flags)


@command(
    Argument("what", "ID", "Id of a call or a job, from `mp status`"),
)
def cancel(flags: Flags, what: str) -> None:
    """Stop a running call or job, whoever started it.

    Its caller gets an error that says who stopped it; the server goes on. What a job has loaded
    stays, and a write that has begun ends first.
    """
    try:
        found = link.ask(find_home(), asking(), "mp/cancel", {"id": what}, start=False).result
    except lease.Absent:
        raise NotFoundError(
            "Nothing runs: there is no server.", hint="`mp status` shows what runs."
        ) from None
    render.show(found, flags, sentence=_told(found))


def _told(found: Mapping[str, Any]) -> str:
    what = f"{found['tool']} of {found['client']}"
    if found["state"] == "stopping":
        return f"{found['id']} is being stopped: {what}"
    if found["state"] in ("ok", "done"):
        return f"{found['id']} had ended before it could be stopped: {what}"
    return f"{found['id']} stopped: {what}"


def _here(home: Home, flags: Flags) -> dict[str, Any]:
    """Where this person stands, and the files that there are."""
    try:
        found = sources.explained(home, flags)
        here = {name: found[name] for name in ("account", "project_id", "region", "source")}
    except MpError as error:
        here = {"account": None, "source": f"unusable: {error.message}"}
    return {"home": str(home.path), **here, "files": _files(home)}


def _files(home: Home) -> Sequence[dict[str, Any]]:
    """By their names only: whoever opens one could take it from its owner."""
    return [
        {"path": str(path), "size_bytes": file_size.of_database(path)}
        for path in sorted((home.path / "data").glob("**/*.db"))
    ]
