"""Profiles, page by page, and the properties that they have.

Never honours `page_size`, which is not documented as a parameter: the answer tells the real one.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.engage import everyone, in_order, selected
from mp_mcp.demo.engage_sessions import Session
from mp_mcp.demo.profiles import Profile
from mp_mcp.demo.wire import Call, WireError, endpoint

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_TYPES = {bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}
UNCACHED = "request for page in uncached query for params"


@endpoint("query", "/engage", "GET", "POST")
def engage(call: Call) -> Response:
    """One page of the profiles that pass the filters; at most the first page has the `total`."""
    page = call.integer("page", 0, low=0)
    session = _session(call, page)
    size = call.world.switches.engage_page_size
    names = call.strings("output_properties")
    body: dict[str, Any] = {
        "status": "ok",
        "page": page,
        "page_size": size,
        "session_id": session.id,
    }
    if page == 0 and call.world.switches.engage_total:
        body["total"] = len(session.found)
    profiles = session.found[page * size : (page + 1) * size]
    return JSONResponse({**body, "results": [_shown(one, names) for one in profiles]})


@endpoint("query", "/engage/properties")
def engage_properties(call: Call) -> Response:
    """Every property with its type and the number of profiles that have it."""
    counts: Counter[str] = Counter()
    types: defaultdict[str, set[str]] = defaultdict(set)
    for profile in everyone(call):
        for name, value in profile.properties.items():
            counts[name] += 1
            types[name].add(_type_of(value))
    limit = call.integer("limit", 2000)
    results = {
        name: {"count": count, "type": _common_type(types[name])}
        for name, count in counts.most_common(limit)
    }
    return JSONResponse({"results": results, "status": "ok"})


@endpoint("query", "/engage/aliases", "GET", "POST")
def aliases(_call: Call) -> Response:
    """Nobody in the demo has an alias."""
    return JSONResponse({"results": [], "status": "ok"})


def _session(call: Call, page: int) -> Session:
    sessions, project_id = call.world.engage_sessions, call.project.id
    session_id = str(call.params.get("session_id") or "")
    if not session_id:
        if page:
            raise WireError(400, "session_id is required for pages after the first")
        found = in_order(call, selected(call))
        if call.params.get("limit") not in (None, ""):
            found = found[: call.integer("limit", 1)]
        return sessions.open(project_id, call.params, found)
    session = sessions.find(session_id, project_id, call.params)
    if session is None or _has_moved_on(call, session):
        raise WireError(400, f"{UNCACHED}: session_id {session_id}, page {page}")
    return session


def _has_moved_on(call: Call, session: Session) -> bool:
    """Behaviors without a fixed time are not the same any more when there is a further page."""
    floating = call.params.get("behaviors") and not call.params.get("as_of_timestamp")
    return bool(floating) and len(session.found) > call.world.switches.engage_page_size


def _shown(profile: Profile, names: list[str] | None) -> dict[str, Any]:
    properties = {
        name: value for name, value in profile.properties.items() if names is None or name in names
    }
    return {"$distinct_id": profile.distinct_id, "$properties": properties}


def _type_of(value: object) -> str:
    if isinstance(value, str):
        return "datetime" if _DATE.fullmatch(value) else "string"
    return _TYPES.get(type(value), "unknown")


def _common_type(types: Iterable[str]) -> str:
    found = set(types)
    return found.pop() if len(found) == 1 else "unknown"
