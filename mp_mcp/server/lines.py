"""Messages as lines of the wire, and lines as messages.

Never fails for what a line or a text holds: nobody may wait for an answer that never comes.
"""

import json
from typing import Any

from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from mp_mcp.errors import UsageError


def parsed(line: bytes) -> SessionMessage | JSONRPCError:
    """One line of the wire; the answer to it when it is no JSON-RPC message."""
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError:
        return _unreadable(line)


def _unreadable(line: bytes) -> JSONRPCError:
    """Nobody may wait for an answer that never comes, so the id is looked for all the same."""
    code, why, request_id = PARSE_ERROR, "This line is not JSON.", None
    try:
        # More tolerant than the protocol: it reads halves of surrogate pairs, for instance.
        found = json.loads(line)
    except (ValueError, RecursionError):
        pass
    else:
        code, why = INVALID_REQUEST, "This is not a JSON-RPC 2.0 message in valid Unicode."
        wanted = found.get("id") if isinstance(found, dict) else None
        request_id = wanted if type(wanted) in (int, str) and _is_unicode(wanted) else None
    data = UsageError(why, hint="Half a character, cut from an emoji, is a usual cause.").info()
    error = ErrorData(code=code, message=why, data=data.as_dict())
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=error)


def _is_unicode(value: object) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in str(value))


def as_line(message: SessionMessage) -> bytes:
    """One message as a line of the wire."""
    try:
        text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
    except PydanticSerializationError:
        # Mixpanel cuts texts without looking, and half an emoji is no Unicode.
        found = message.message.model_dump(by_alias=True, exclude_unset=True)
        text = json.dumps(_in_unicode(found), ensure_ascii=False)
    return text.encode() + b"\n"


def _in_unicode(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_in_unicode(key): _in_unicode(item) for key, item in value.items()}
    return [_in_unicode(item) for item in value] if isinstance(value, list) else value
