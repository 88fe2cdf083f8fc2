"""The shapes in which Mixpanel's errors come, each of which a test can order on any path.

Never chooses a shape by itself: right refusals have the shape of their API.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

Shape = Callable[[Request, int, str], Any]

_EDGE_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


def _asked(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _of_schema_check(_request: Request, _status: int, text: str) -> Any:
    details = {"path": ["params"], "schema": {"type": "object"}, "data": "x"}
    return {"status": "error", "error": text, "details": details}


def _of_strict_import(_request: Request, status: int, text: str) -> Any:
    failed = {"index": 0, "$insert_id": "a1", "field": "properties.time", "message": text}
    return {
        "code": status,
        "error": text,
        "status": HTTPStatus(status).phrase,
        "num_records_imported": 0,
        "failed_records": [failed],
    }


JSON_SHAPES: dict[str, Shape] = {
    "E1": lambda request, _, text: {"request": _asked(request), "error": text},
    "E2": lambda _request, _, text: {"error": text, "status": "error"},
    "E2-bare": lambda _request, _, text: {"error": text},
    "E3": lambda _request, _, text: {"status": "error", "error": text},
    "E3-details": _of_schema_check,
    "E4": _of_strict_import,
    "E5-json": lambda _request, _, text: {"error": text},
    "E6": lambda _request, _, text: {"message": text},
    # Not even an object.
    "list": lambda _request, _, text: [text],
    "blank": lambda _request, _, text: {"error": "", "message": text},
    "nested": lambda _request, _, text: {"error": {"reason": [text]}},
}
SHAPES = (*JSON_SHAPES, "E5", "E7", "E7-text", "E8", "empty")


def shaped_answer(
    shape: str, request: Request, status: int, text: str, headers: dict[str, str]
) -> Response:
    """An error in one of the shapes; E8 is one with the status of a success."""
    if shape == "E8":
        return JSONResponse({"error": text}, 200, headers)
    if shape == "E7":
        return HTMLResponse(edge_page(status), status, headers)
    if shape == "E7-text":
        return PlainTextResponse("Internal Error", status, headers)
    if shape == "E5":
        return PlainTextResponse(text, status, headers)
    if shape == "empty":
        return Response(b"", status, headers)
    return JSONResponse(JSON_SHAPES[shape](request, status, text), status, headers)


def edge_page(status: int) -> str:
    """The page of the servers before the service, which knows no JSON."""
    return _EDGE_PAGE.format(f"{status} {HTTPStatus(status).phrase}")
