"""Endpoints of the data definitions: what the Lexicon's pages show about events and properties.

Never changes a definition.
"""

from collections import Counter
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.lexicon import DOCUMENTED, About, Lexicon, usual_type
from mp_mcp.demo.wire import Call, WireError, endpoint, scoped_endpoint

RESOURCE_TYPES = ("Event", "User")
_SILENT = About("", "")


@scoped_endpoint("/data-definitions/events")
def event_definitions(call: Call) -> Response:
    """Every event that was seen, or those of the repeated `name[]`."""
    lexicon = call.project.lexicon
    wanted = _wanted_names(call)
    results = [
        _event(lexicon, number, name)
        for number, name in enumerate(sorted(lexicon.observed), start=1)
        if not wanted or name in wanted
    ]
    return JSONResponse({"status": "ok", "results": results})


@scoped_endpoint("/data-definitions/properties")
def property_definitions(call: Call) -> Response:
    """Every property of events or profiles, or those of the repeated `name[]`."""
    # Another spelling of the parameter's name is ignored, another one of its value is not.
    resource_type = str(call.params.get("resourceType", "Event"))
    if resource_type not in RESOURCE_TYPES:
        raise WireError(400, "Invalid resource type")
    lexicon = call.project.lexicon
    found = _event_properties(lexicon) if resource_type == "Event" else lexicon.profile_properties
    wanted = _wanted_names(call)
    results = [
        _property(call, resource_type, name, found[name])
        for name in sorted(found)
        if not wanted or name in wanted
    ]
    return JSONResponse({"status": "ok", "results": results})


@scoped_endpoint("/data-definitions/tags")
def definition_tags(_call: Call) -> Response:
    """The tags that events have."""
    return JSONResponse({"status": "ok", "results": _tags()})


@endpoint("query", "/data_definitions/events")
def events_with_properties(call: Call) -> Response:
    """Every event with the names of its properties, when they are asked for."""
    with_properties = call.params.get("fetch_per_event_properties") == "true"
    results = []
    for name, properties in sorted(call.project.lexicon.observed.items()):
        shown = [{"name": one} for one in sorted(properties)]
        results.append({"name": name, **({"properties": shown} if with_properties else {})})
    return JSONResponse({"results": results})


def _wanted_names(call: Call) -> list[str]:
    return call.request.query_params.getlist("name[]")


def _event(lexicon: Lexicon, number: int, name: str) -> dict[str, Any]:
    about = DOCUMENTED.get(name, _SILENT)
    return {
        "id": number,
        "name": name,
        "displayName": about.display_name or None,
        "description": about.description or None,
        "hidden": about.hidden,
        "dropped": False,
        "merged": False,
        "verified": name in DOCUMENTED,
        "tags": list(about.tags),
        "lastModified": "2025-02-02T03:04:05",
        "count": max(types.total() for types in lexicon.observed[name].values()),
    }


def _event_properties(lexicon: Lexicon) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for properties in lexicon.observed.values():
        for name, types in properties.items():
            found.setdefault(name, Counter()).update(types)
    return found


def _property(call: Call, resource_type: str, name: str, types: Counter[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": name,
        "resourceType": resource_type,
        "type": usual_type(types),
        "displayName": None,
        "description": None,
        "hidden": False,
        "dropped": False,
        "merged": False,
        "sensitive": name == "$email",
    }
    if call.params.get("includeEvents") == "true" and resource_type == "Event":
        observed = call.project.lexicon.observed
        shown["events"] = [{"name": event} for event in sorted(observed) if name in observed[event]]
    if call.params.get("includeDensity") == "true":
        shown["densityLocal"] = types.total()
    return shown


def _tags() -> list[dict[str, Any]]:
    names = sorted({tag for about in DOCUMENTED.values() for tag in about.tags})
    return [{"id": number, "name": name} for number, name in enumerate(names, start=1)]
