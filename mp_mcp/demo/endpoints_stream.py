"""The activity feed of some users: by dates, or by a bookmark with a cursor.

Never shows a duplicate twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import Row, counted_rows, current_day, selection
from mp_mcp.demo.values import text_of
from mp_mcp.demo.wire import Call, WireError, endpoint

MAX_LIMIT = 15_000
MAX_WINDOW = 30
DAY_MS = 86_400_000
SUNSET_TEXT = "stream/query is deprecated. Use stream/bookmark instead."


@endpoint("query", "/stream/query", "GET", "POST")
def stream_query(call: Call) -> Response:
    """What some users did on some days, in maintenance mode and saying so."""
    users = _users(call)
    first, last = call.days()
    events = [_event(row) for row in _rows(call, users, first, last)]
    body = {"status": "ok", "results": {"events": events}, "warning": SUNSET_TEXT}
    return JSONResponse(body, headers={"Deprecation": "true"})


@dataclass(frozen=True)
class _Feed:
    """What a bookmark asks for."""

    users: set[str]
    first: date
    last: date
    limit: int
    window: int | None
    start: int


@endpoint("query", "/stream/bookmark", "POST")
def stream_bookmark(call: Call) -> Response:
    """What some users did, newest first, with a cursor to the rest."""
    if call.text("workspace_id") != call.project.workspace_id:
        raise WireError(403, "You do not have access to this workspace")
    feed = _feed(call)
    found = _rows(call, feed.users, feed.first, feed.last)[::-1]
    rows = _searched(call, found)[feed.start :]
    page = rows[: feed.limit]
    if feed.window is not None and page:
        oldest = page[0].at - feed.window * DAY_MS
        page = [row for row in page if row.at >= oldest]
    left = len(rows) > len(page)
    cursor = {"position": feed.start + len(page), "time": page[-1].at} if left else None
    events = [_event(row) for row in page]
    return JSONResponse({"status": "ok", "results": {"events": events, "sentinel_event": cursor}})


def _feed(call: Call) -> _Feed:
    if call.params.get("include_events") and call.params.get("exclude_events"):
        raise WireError(400, "include_events and exclude_events are mutually exclusive")
    if call.params.get("search_properties") is not None and not call.params.get("search"):
        raise WireError(400, "search_properties requires search")
    window = call.params.get("paging_window")
    cursor = call.structure("sentinel_event", dict)
    start = 0 if cursor is None else cursor.get("position")
    if not isinstance(start, int):
        raise WireError(400, "Error in sentinel_event: not a cursor of this feed")
    first, last = _date_range(call)
    return _Feed(
        users=_users(call),
        first=first,
        last=last,
        limit=call.integer("limit", MAX_LIMIT, high=MAX_LIMIT),
        window=None if window is None else call.integer("paging_window", 1, high=MAX_WINDOW),
        start=start,
    )


def _date_range(call: Call) -> tuple[date, date]:
    """The days of the bookmark; dates beside it mean nothing."""
    found = (call.structure("bookmark", dict) or {}).get("dateRange")
    asked: dict[str, Any] = found if isinstance(found, dict) else {}
    kind = asked.get("type")
    try:
        if kind == "between":
            return date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"])
        if kind == "since":
            return date.fromisoformat(asked["from"]), current_day(call)
        if kind == "relative_after" and asked["window"]["unit"] == "day":
            days = int(asked["window"]["value"])
            return current_day(call) - timedelta(days=days - 1), current_day(call)
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(400, f"Error in bookmark.dateRange: {error}") from error
    raise WireError(400, f"Error in bookmark.dateRange: unknown type {kind}")


def _users(call: Call) -> set[str]:
    ids = call.structure("distinct_ids", list)
    if not ids:
        raise WireError(400, "Missing required parameter: distinct_ids")
    return {text_of(one) for one in ids}


def _rows(call: Call, users: set[str], first: date, last: date) -> list[Row]:
    """Their events, oldest first."""
    include = call.structure("include_events", list)
    exclude = call.structure("exclude_events", list) or []
    rows = [
        row
        for row in counted_rows(call, first, last, selection(include or None))
        if row.user in users and row.name not in exclude
    ]
    return sorted(rows, key=lambda row: row.at)


def _searched(call: Call, rows: Sequence[Row]) -> list[Row]:
    text = str(call.params.get("search") or "").lower()
    if not text:
        return list(rows)
    some = call.structure("search_properties", list) or []
    names = {one.get("value") for one in some if isinstance(one, dict)}
    return [row for row in rows if _holds(row, text, names)]


def _holds(row: Row, text: str, names: set[Any]) -> bool:
    values = [value for key, value in row.event.properties.items() if not names or key in names]
    shown = values if names else [row.name, *values]
    return any(text in text_of(value).lower() for value in shown)


def _event(row: Row) -> dict[str, Any]:
    properties = dict(row.event.properties)
    properties["time"] = row.at // 1000
    if row.at % 2:
        # Both names of the id are seen in one answer.
        properties["$distinct_id"] = properties.pop("distinct_id")
    return {"event": row.name, "properties": properties}
