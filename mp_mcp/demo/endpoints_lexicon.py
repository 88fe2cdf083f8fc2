"""App endpoints of the Lexicon schemas, of which a project may read five a minute.

Never changes a schema: the demo's accounts may only read them.
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.lexicon import ENTITY_TYPES
from mp_mcp.demo.wire import Call, WireError, scoped_endpoint


@scoped_endpoint("/schemas")
def schemas(call: Call) -> Response:
    """Everything that has a schema."""
    return JSONResponse({"status": "ok", "results": call.project.lexicon.entries()})


@scoped_endpoint("/schemas/{entity_type}")
def schemas_of_type(call: Call) -> Response:
    """The schemas of one type of entity, or the one that `entity_name` names."""
    entries = _entries(call)
    name = call.params.get("entity_name")
    if name not in (None, ""):
        return _single(call, entries, str(name))
    return JSONResponse({"status": "ok", "results": entries})


@scoped_endpoint("/schemas/{entity_type}/{name}")
def schema(call: Call) -> Response:
    """One schema."""
    return _single(call, _entries(call), call.path["name"])


def _entries(call: Call) -> list[dict[str, Any]]:
    entity_type = call.path["entity_type"]
    if entity_type not in ENTITY_TYPES:
        raise WireError(400, f"Invalid entity type: {entity_type}")
    return call.project.lexicon.entries(entity_type)


def _single(call: Call, entries: list[dict[str, Any]], name: str) -> Response:
    """The schema in the shape that is switched on; sources disagree about the usual one."""
    found = next((entry for entry in entries if entry["name"] == name), None)
    if found is None:
        raise WireError(404, f"Schema not found: {name}")
    shape = call.world.switches.schema_shape
    if shape == "bare":
        return JSONResponse(found["schemaJson"])
    results = found if shape == "entry" else found["schemaJson"]
    return JSONResponse({"status": "ok", "results": results})
