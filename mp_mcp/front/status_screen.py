"""The one screen of `mp status`. Never asks for anything: it is given what the server said."""

from collections.abc import Mapping, Sequence
from typing import Any

from mp_mcp.front import calls_shown, screen, table, talk

MOST_LINES = 12
"""Of any list: the screen is one screen."""


def text(found: Mapping[str, Any]) -> str:
    """All of it, with its line end."""
    parts = [_server(found), _here(found["here"])]
    if found["running"]:
        parts += [_clients(found), *_running(found), _databases(found), *_budgets(found)]
    else:
        parts.append(_files(found))
    return "\n".join(part for part in parts if part) + "\n"


def _server(found: Mapping[str, Any]) -> str:
    if not found["running"]:
        return "server    not running; the next command starts it"
    up = calls_shown.spoken(found["uptime_s"])
    memory = _size(found.get("memory_bytes") or 0)
    kept = "" if found.get("state") != "memory" else ", state.db cannot be used"
    return (
        f"server    pid {found['pid']}, version {found['version']}, up {up}, memory {memory}{kept}"
    )


def _here(here: Mapping[str, Any]) -> str:
    project = f"project {here['project_id']}" if here.get("project_id") else "no project"
    account = here.get("account") or here["source"]
    account = "no account: mp auth login, or mp demo" if account == "none" else account
    return talk.printable(f"here      {project}, {account}, {here['home']}")


def _clients(found: Mapping[str, Any]) -> str:
    """This command is one of them as well; it goes without saying."""
    others = [
        one for one in found.get("connected", ()) if not one["calls"] and one["by"] == "agent"
    ]
    busy = [one for one in found.get("connected", ()) if one["calls"]]
    named = [_client(one) for one in (*busy, *others)]
    more = f" and {len(named) - MOST_LINES} more" if len(named) > MOST_LINES else ""
    return f"clients   {', '.join(named[:MOST_LINES]) or 'none but this command'}{more}"


def _client(one: Mapping[str, Any]) -> str:
    program = f" ({one['program']})" if one.get("program") else ""
    return talk.printable(f"{one['client']}{program}")


def _running(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [call["id"], _client(call), calls_shown.spoken(call["elapsed_s"]), calls_shown.what(call)]
        for call in found["calls"]
    ]
    rows += [
        [
            *(job["job"], job["client"], calls_shown.spoken(job["elapsed_s"])),
            f"{job['tool'].replace('_', ' ')}: {job['progress'] or 'starting'}",
        ]
        for job in found["jobs"]
    ]
    if not rows:
        return ["running   nothing"]
    return [f"running   {len(rows)}; `mp cancel ID` stops one", _table(("id", *_RUNNING), rows), ""]


_RUNNING = ("client", "elapsed", "what")


def _databases(found: Mapping[str, Any]) -> str:
    lines = []
    for one in found["databases"]:
        lines.append(f"file      {_place(one)}, {one['state']}; {_lanes(one)}")
        tables = one["tables"]
        if tables:
            rows = [[t["name"], t["kind"], t["rows"], t["columns"], _days(t)] for t in tables]
            columns = ("table", "kind", "rows", "columns", "days")
            lines.append(_table(columns, rows[:MOST_LINES]))
            if len(rows) > MOST_LINES:
                lines.append(f"  and {len(rows) - MOST_LINES} more: mp inspect tables")
        elif tables is None:
            lines.append("  its tables are not known yet: mp inspect tables")
    return "\n".join(lines) or _files(found)


def _lanes(one: Mapping[str, Any]) -> str:
    waiting = f"{one['waiting_writes']} writes and {one.get('waiting_reads', 0)} reads queued"
    return f"{one['running']} running, {waiting}"


def _files(found: Mapping[str, Any]) -> str:
    files = found["here"]["files"]
    lines = [f"file      {_place(one)}, not in use" for one in files[:MOST_LINES]]
    return "\n".join(lines) or "file      none yet"


def _budgets(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in found["budgets"][:MOST_LINES]:
        left = max(0, one["limit"] - one["used"])
        span = "hour" if one["window_s"] >= 3600 else "minute"
        text = (
            f"budget    {one['api']} of {one['project']}: {left} of {one['limit']} left this {span}"
        )
        if not left and one.get("next_free_s"):
            text += f", next in {calls_shown.spoken(one['next_free_s'])}"
        lines.append(f"{text}, {one['running']} under way" if one["running"] else text)
    return lines or ["budget    nothing is spent"]


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    here = screen.here()
    inner = here._replace(width=here.width - 2) if here.width else here
    drawn = table.drawn(columns, rows, inner)
    return "\n".join(f"  {line}" for line in drawn.splitlines())


def _days(found: Mapping[str, Any]) -> str | None:
    if not found.get("first_day"):
        return None
    missing = f", {found['missing_days']} missing" if found.get("missing_days") else ""
    return f"{found['first_day']} to {found['last_day']}{missing}"


def _place(one: Mapping[str, Any]) -> str:
    return talk.printable(f"{one['path']}, {_size(one['size_bytes'])}")


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
