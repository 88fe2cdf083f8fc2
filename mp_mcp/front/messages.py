"""The pump's view of messages: which requests are open, and how they are refused.

Never sends or reads anything. Standard library only.
"""

import json
from typing import Any, NamedTuple

from mp_mcp.errors import MpError, ServerUnreachableError, UsageError
from mp_mcp.server.lease import LEAVING, LONGEST_LINE

SERVER_ERROR = -32000
MODERN = "io.modelcontextprotocol/protocolVersion"


class Request(NamedTuple):
    """A request that the agent waits for."""

    id: Any
    method: str
    line: bytes
    modern: bool


WENT_AWAY = ServerUnreachableError(
    "The shared server was restarted while this call ran.",
    hint="Call again: the next call reaches the new server. A write may have happened already.",
)


NOT_YOURS = UsageError(
    "This request is for the fronts of mp-mcp, not for agents.", hint="Use the listed tools."
)

TOO_LONG = UsageError(
    f"The request is too long: at most {LONGEST_LINE:,} bytes fit.", hint="Send less at once."
)


def refusal(request: Request, error: MpError) -> bytes:
    """The answer to a request that no server will answer: an error that the model can read."""
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id}
    found = error.info().as_dict()
    if request.method == "tools/call":
        answer["result"] = {
            "content": [{"type": "text", "text": json.dumps(found)}],
            "structuredContent": found,
            "isError": True,
        }
        if request.modern:
            answer["result"]["resultType"] = "complete"
    else:
        answer["error"] = {"code": SERVER_ERROR, "message": error.message, "data": found}
    return json.dumps(answer).encode() + b"\n"


def parsed(line: bytes) -> dict[str, Any]:
    """A message as an object; {} for anything else, which the server will judge."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def request_of(message: dict[str, Any], line: bytes) -> Request | None:
    """The message as a request that waits for an answer, None for anything else."""
    if "method" not in message or "id" not in message:
        return None
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    modern = isinstance(meta, dict) and MODERN in meta
    return Request(message["id"], str(message["method"]), line, modern)


def is_unstarted(message: dict[str, Any]) -> bool:
    """Whether a leaving server says that it did not start this request."""
    error = message.get("error")
    data = error.get("data") if isinstance(error, dict) else None
    return isinstance(data, dict) and data.get("code") == LEAVING


def standing_after(message: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The account and project that the agent knows of after this answer."""
    result = message.get("result")
    content = result.get("structuredContent") if isinstance(result, dict) else None
    project = content.get("project") if isinstance(content, dict) else None
    if not isinstance(project, str) or project == known.get("project"):
        return known
    return {"project": project}


def key_of(request_id: Any) -> str:
    """An id as a key: 1 and "1" are different requests."""
    return json.dumps(request_id)
