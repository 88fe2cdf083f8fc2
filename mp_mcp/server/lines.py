"""Messages as lines of the wire, and lines as messages.

Never fails for what a line or a text holds: nobody may wait for an answer that never comes.
"""

import json
from contextlib import suppress
from typing import Any

from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from mp_mcp.errors import UsageError

NO_UNICODE = (
    "This is not a JSON-RPC 2.0 message in valid Unicode.",
    "Half a character, cut from an emoji, is a usual cause.",
)


def parsed(line: bytes) -> SessionMessage | JSONRPCError:
    """One line of the wire; the answer to it when it is no JSON-RPC message."""
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as error:
        return _unreadable(line, is_json=error.errors()[0]["type"] != "json_invalid")
    # To the SDK a request whose id is none is a notification, and nobody would answer it.
    if isinstance(message, JSONRPCNotification) and _has_id(line):
        return _unreadable(line, is_json=True)
    return SessionMessage(message)


def _has_id(line: bytes) -> bool:
    with suppress(ValueError, RecursionError):  # what the SDK could read, and this cannot
        return b'"id"' in line and "id" in json.loads(line)
    return False


def _unreadable(line: bytes, *, is_json: bool) -> JSONRPCError:
    """Nobody may wait for an answer that never comes, so the id is looked for all the same.

    JSON-RPC has null stand for an id that is none, even where a notification may have been meant.
    """
    code, request_id = PARSE_ERROR, None
    why, hint = "This line is not JSON.", "Send each message as one line of JSON, in UTF-8."
    try:
        # More tolerant than the protocol: it reads halves of surrogate pairs, for instance.
        found = json.loads(line)
    except (ValueError, RecursionError):
        pass
    else:
        code = INVALID_REQUEST
        why, hint = _wrong_in(found) if is_json else NO_UNICODE
        wanted = found.get("id") if isinstance(found, dict) else None
        request_id = wanted if type(wanted) in (int, str) and _is_unicode(wanted) else None
    error = ErrorData(code=code, message=why, data=UsageError(why, hint=hint).info().as_dict())
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=error)


def _wrong_in(found: Any) -> tuple[str, str]:
    """What makes JSON no message, and what to do."""
    if isinstance(found, list):
        return "Batches are not taken.", "Send each message as a line of its own."
    hint = "See https://www.jsonrpc.org/specification."
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        return 'A message is a JSON object with "jsonrpc": "2.0".', hint
    if "id" in found and type(found["id"]) not in (int, str):
        return "The id of a request is a text or a whole number.", hint
    if "method" in found and not isinstance(found["method"], str):
        return "The method of a request is a text.", hint
    if not isinstance(found.get("params", {}), dict | None):
        return "The params of a request are an object.", hint
    return "This is no request, no notification and no answer of JSON-RPC 2.0.", hint


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
