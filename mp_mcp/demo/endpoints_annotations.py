"""The annotations of the app API, and the old list of them under the query prefix.

Never counts as a query.
"""

from datetime import date, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.annotations import Annotation, AnnotationBook
from mp_mcp.demo.wire import Call, WireError, endpoint, scoped_endpoint

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_SCHEMA = {
    "type": "object",
    "required": ["date", "description"],
    "properties": {
        "date": {"type": "string"},
        "description": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "integer"}},
    },
}


@scoped_endpoint("/annotations")
def annotations(call: Call) -> Response:
    """The annotations of `fromDate` to `toDate`, or all."""
    first = call.day("fromDate") if call.params.get("fromDate") else date.min
    last = call.day("toDate") if call.params.get("toDate") else date.max
    tags = {int(one) for one in str(call.params.get("tags", "")).split(",") if one.isdecimal()}
    return _ok([_book(call).shown(note) for note in _book(call).between(first, last, tags)])


@endpoint("query", "/annotations")
def legacy_annotations(call: Call) -> Response:
    """The annotations of a range of days, in their old envelope."""
    first, last = call.days()
    notes = _book(call).between(first, last, set())
    return JSONResponse({"annotations": [_book(call).shown(note) for note in notes]})


@scoped_endpoint("/annotations", "POST")
def create_annotation(call: Call) -> Response:
    """A new annotation."""
    when, description = _checked(call, "date"), _checked(call, "description")
    note = _book(call).add(_moment(call, when), description, _tag_ids(call))
    return _ok(_book(call).shown(note), status=201)


@scoped_endpoint("/annotations/{annotation_id:int}")
def annotation(call: Call) -> Response:
    """One annotation."""
    return _ok(_book(call).shown(_note(call)))


@scoped_endpoint("/annotations/{annotation_id:int}", "PATCH")
def change_annotation(call: Call) -> Response:
    """Another description or other tags; the date stays as it is."""
    note = _note(call)
    if "description" in call.params:
        note.description = _checked(call, "description")
    if "tags" in call.params:
        note.tag_ids = _tag_ids(call)
    return _ok(_book(call).shown(note))


@scoped_endpoint("/annotations/{annotation_id:int}", "DELETE")
def delete_annotation(call: Call) -> Response:
    """Remove one annotation."""
    note = _note(call)
    del _book(call).notes[note.id]
    return _ok({"id": note.id})


@scoped_endpoint("/annotations/tags")
def tags(call: Call) -> Response:
    """Every tag: a bare array, or within results, as it is switched."""
    return _tag_answer(call, [_book(call).shown_tag(number) for number in _book(call).tags])


@scoped_endpoint("/annotations/tags", "POST")
def create_tag(call: Call) -> Response:
    """A new tag."""
    name = _checked(call, "name")
    return _tag_answer(call, _book(call).shown_tag(_book(call).add_tag(name)))


def _book(call: Call) -> AnnotationBook:
    return call.world.annotations_of(call.project)


def _note(call: Call) -> Annotation:
    number = int(call.path["annotation_id"])
    found = _book(call).notes.get(number)
    if found is None:
        raise WireError(404, f"Annotation not found: {number}")
    return found


def _ok(results: Any, status: int = 200) -> Response:
    return JSONResponse({"status": "ok", "results": results}, status)


def _tag_answer(call: Call, shown: Any) -> Response:
    if call.world.switches.tags_envelope == "results":
        return _ok(shown)
    return JSONResponse(shown)


def _checked(call: Call, name: str) -> str:
    value = call.params.get(name)
    if not isinstance(value, str) or not value:
        raise _mistake(call, name, f"{value!r} is not of type 'string'")
    return value


def _moment(call: Call, text: str) -> str:
    for one in _FORMATS:
        try:
            return str(datetime.strptime(text, one))
        except ValueError:
            continue
    raise _mistake(call, "date", f"{text!r} does not match YYYY-MM-DD HH:mm:ss")


def _tag_ids(call: Call) -> list[int]:
    value = call.params.get("tags") or []
    known = _book(call).tags
    if not isinstance(value, list) or not all(one in known for one in value):
        raise _mistake(call, "tags", f"unknown tags in {value!r}")
    return value


def _mistake(call: Call, name: str, text: str) -> WireError:
    """What a route says whose body is checked against a schema."""
    details = {"path": [name], "schema": _SCHEMA, "data": call.params}
    return WireError(400, text, details=details)
