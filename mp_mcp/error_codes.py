"""From the code of an error, as it is on the wire, back to its class.

Never makes up a code: unknown ones (of newer servers) are the base class.
"""

from collections.abc import Mapping
from typing import Any

from mp_mcp.errors import ExitCode, MpError


def exit_code_of(code: str) -> ExitCode:
    """The exit code that belongs to an error's `code`; unknown codes are unexpected."""
    return _class_of(code).exit_code


def error_of(found: Mapping[str, Any]) -> MpError:
    """An ErrorInfo of the wire as an error again; unknown codes (of newer servers) are MpErrors."""
    message = str(found.get("message") or "The server gave no reason.")
    hint, retry_after = found.get("hint"), found.get("retry_after")
    return _class_of(str(found.get("code")))(message, hint=hint, retry_after=retry_after)


def _class_of(code: str) -> type[MpError]:
    pending: list[type[MpError]] = [MpError]
    while pending:
        error = pending.pop()
        if error.code == code:
            return error
        pending.extend(error.__subclasses__())
    return MpError
