"""Calls of the history as people read them, and as programs do.

Never asks for anything: it is given calls as the server sends them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mp_mcp.front import talk
from mp_mcp.front.flags import Flags
from mp_mcp.front.tool_command import table

COLUMNS = (
    *("id", "when", "client", "program", "by", "tool", "arguments", "complete", "seconds", "rows"),
    *("units", "cached", "outcome", "message", "job", "project"),
)
"""What the server says of a call: also of none."""
FOR_PEOPLE = ("id", "when", "client", "call", "took", "rows", "units", "outcome")

LABEL = 32


def is_for_people(flags: Flags) -> bool:
    """Whether somebody reads it, and no program."""
    return (flags.format or ("table" if sys.stdout.isatty() else "json")) in ("table", "plain")


def listed(calls: Sequence[Mapping[str, Any]], flags: Flags) -> dict[str, Any]:
    """All of them as one table."""
    if is_for_people(flags):
        columns: Sequence[str] = FOR_PEOPLE
        rows = [_cells(call) for call in calls]
    else:
        columns = list(calls[0]) if calls else COLUMNS
        rows = [list(call.values()) for call in calls]
    return {"columns": list(columns), "rows": rows, "row_count": len(rows)}


def line(call: Mapping[str, Any], flags: Flags) -> str:
    """One call on a line of its own, for who follows them."""
    if not is_for_people(flags):
        return json.dumps(call, ensure_ascii=False) + "\n"
    number, when, client, what_it_was, took, rows, units, outcome = _cells(call)
    cost = [took, *(_counted(count, what) for count, what in ((rows, "row"), (units, "unit")))]
    cost = [one for one in cost if one]
    start, end = f"{number:>5}  {when}  {client:{LABEL}}  ", f"  ({', '.join(cost)}) {outcome}"
    room = talk.terminal_width() - len(start + end) if sys.stdout.isatty() else 10_000
    return f"{start}{_cut(what_it_was, max(room, 20))}{end}\n"


def in_full(call: Mapping[str, Any]) -> str:
    """Everything about one call, its SQL as it was typed."""
    arguments = dict(call["arguments"])
    sql = arguments.pop("sql", None)
    found = {
        "call": call["id"],
        "when": _local(str(call["when"]), "%Y-%m-%d %H:%M:%S"),
        "client": _who(call),
        "tool": call["tool"],
        "arguments": json.dumps(arguments, ensure_ascii=False) if arguments else None,
        "project": call["project"],
        "took": spoken(call["seconds"]),
        "rows": call["rows"],
        "units": call["units"],
        "cached": call["cached"],
        "outcome": call["outcome"],
        "message": call["message"],
        "job": call["job"],
    }
    lines = [f"{name:9}  {_safe(str(value))}" for name, value in found.items() if value is not None]
    if isinstance(sql, str):
        lines += ["", *map(_safe, sql.replace("\t", "    ").split("\n"))]
    if not call["complete"]:
        lines += ["", "A secret or a very long text was left out."]
    return "\n".join(lines) + "\n"


def what(call: Mapping[str, Any]) -> str:
    """Tool and arguments on one line: its SQL, or what else it was asked."""
    row = table().get(str(call["tool"]))
    words = " ".join(row["words"]) if row else str(call["tool"])
    arguments = dict(call["arguments"])
    sql = arguments.pop("sql", None)
    told = []
    if sql is not None:
        place = [str(arguments.pop(name)) for name in ("table", "file") if name in arguments]
        told = [*place, " ".join(str(sql).split())]
    told += [f"{name}={_short(value)}" for name, value in arguments.items() if _says(name, value)]
    return _safe(" ".join([words, *told]))


def _says(name: str, value: Any) -> bool:
    """Whether an argument tells something; `mp` detaches every fetch, to follow it itself."""
    return value is not None and name != "detach"


def spoken(seconds: float) -> str:
    """A duration, for people."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _cells(call: Mapping[str, Any]) -> list[Any]:
    outcome = call["outcome"]
    return [
        *(call["id"], _local(str(call["when"])), _who(call), what(call)),
        *(spoken(call["seconds"]), call["rows"], call["units"] or None),
        f"{outcome}, cached" if call["cached"] and outcome == "ok" else outcome,
    ]


def _who(call: Mapping[str, Any]) -> str:
    program = call.get("program")
    return _safe(f"{call['client']} ({program})" if program else str(call["client"]))


def _safe(text: str) -> str:
    """The text without anything that a terminal would obey; its spaces stay."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _local(when: str, form: str | None = None) -> str:
    """The time here; with its day when that is not today's."""
    moment = datetime.fromisoformat(when.replace("Z", "+00:00")).astimezone()
    is_today = moment.date() == datetime.now().astimezone().date()
    return moment.strftime(form or ("%H:%M:%S" if is_today else "%m-%d %H:%M"))


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _counted(count: int | None, what: str) -> str:
    return "" if count is None else f"{count:,} {what}{'' if count == 1 else 's'}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
