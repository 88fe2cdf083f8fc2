"""The answers that a fault gives instead of the right one.

Never looks at the request's parameters beyond its path.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from mp_mcp.demo.error_shapes import edge_page, shaped_answer
from mp_mcp.demo.faults import ANSWER_FAULTS, Fault
from mp_mcp.demo.limits import load_shed_text
from mp_mcp.demo.wire import WireError, error_response

_TEXTS = {
    400: "Unable to authenticate request",
    401: "Invalid credentials",
    402: "Your plan does not include API access.",
    403: "Date range exceeds 90 days into the past",
    404: "Not found",
    412: (
        "UserVisiblePreconditionFailedError: Uncaught exception TypeError: "
        "Cannot read property 'x' of undefined\n  return e.x.y;\n             ^\n\n"
        "Stack trace:\nTypeError: Cannot read property 'x' of undefined\n    at main"
    ),
    429: "Query rate limit exceeded",
    500: "An unknown error occurred.",
}


def fault_answer(fault: Fault, api: str, request: Request, project_id: str) -> Response | None:
    """The whole answer of a fault; None when it only spoils the right one."""
    if fault.fault not in ANSWER_FAULTS:
        return None
    if fault.fault == "redirect":
        page = "<html><body>Request access</body></html>"
        return HTMLResponse(page, 302, {"Location": fault.location, **fault.headers})
    if fault.fault == "load_shed":
        # An overloaded server tells no counts and sends no rate headers.
        return error_response(api, request, WireError(429, load_shed_text(project_id)))
    if fault.fault == "error_200":
        text = fault.error or _TEXTS[500]
        body = {"error": text} if fault.body is None else fault.body
        return JSONResponse(body, 200, fault.headers)
    return _status_answer(fault, api, request)


def spoilt_answer(fault: Fault | None, response: Response) -> Response:
    """The right answer, unless its JSON is to end too early."""
    if fault is None or fault.fault != "broken_json":
        return response
    body = bytes(response.body)
    kept = body[: len(body) // 2 if fault.after is None else fault.after]
    return Response(kept, response.status_code, media_type="application/json")


def _status_answer(fault: Fault, api: str, request: Request) -> Response:
    text = fault.error or _TEXTS.get(fault.status, "An unknown error occurred.")
    if fault.body is not None:
        return _own_body(fault, fault.body)
    if fault.shape is not None:
        return shaped_answer(fault.shape, request, fault.status, text, fault.headers)
    if fault.status in (502, 503, 504):
        return HTMLResponse(edge_page(fault.status), fault.status, fault.headers)
    return error_response(api, request, WireError(fault.status, text, headers=fault.headers))


def _own_body(fault: Fault, body: Any) -> Response:
    if not isinstance(body, str):
        return JSONResponse(body, fault.status, fault.headers)
    kind = fault.content_type or ("text/html" if body.startswith("<") else "text/plain")
    return PlainTextResponse(body, fault.status, fault.headers, media_type=kind)
