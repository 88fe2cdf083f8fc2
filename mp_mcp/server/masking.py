"""Secrets out of whatever is shown or kept of a call, and texts cut that nobody reads to the end.

Never changes what the call itself runs with.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"
LONGEST_TEXT = 50_000
BEYOND = 1_000
"""So much more is looked at, for a secret that the cut would divide."""

SHORTEST_SECRET = 6
"""Anything shorter would be found in words that are no secret."""

_SECRET_NAME = re.compile(
    r"secret|passw|token|api_?key|authorization|credential|private_?key", re.IGNORECASE
)
_IN_TEXT = re.compile(
    r"(?P<scheme>\b(?:basic|bearer)\s+)(?=[A-Za-z+/._~-]{0,200}[0-9=])[A-Za-z0-9+/=._~-]{16,}"
    r"|(?P<place>\b[a-z][a-z0-9+.-]{0,20}://)[^/\s:@'\"]{0,200}:[^/\s@'\"]{1,200}@"
    r"|(?P<name>\b\w{0,40}(?:secret|passw(?:or)?d|api_?key|(?:auth|access|api)_?token)\w{0,40}"
    r"[\"']?\s*[:=]\s*[\"'])[^\"'\s]{6,}(?=[\"'])",
    re.IGNORECASE,
)
"""Its repetitions are bounded: a long SQL must not take long."""


def masked(value: Any, secrets: Iterable[str | None]) -> Any:
    """The same JSON value without these secrets or what looks like one, and not too long."""
    known = sorted({one for one in secrets if one and len(one) >= SHORTEST_SECRET}, key=len)
    return _masked(value, known[::-1])


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        whole = len(value)
        if whole <= LONGEST_TEXT:
            return _IN_TEXT.sub(_hidden, value)
        shown = _IN_TEXT.sub(_hidden, value[: LONGEST_TEXT + BEYOND])[:LONGEST_TEXT]
        return f"{shown}… [cut: {whole} characters]"
    if isinstance(value, Mapping):
        return {
            _masked(str(name), secrets): MASK
            if isinstance(item, str) and item and _SECRET_NAME.search(str(name))
            else _masked(item, secrets)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(item, secrets) for item in value]
    return value


def _hidden(match: re.Match[str]) -> str:
    kept = match["scheme"] or match["place"] or match["name"]
    return f"{kept}{MASK}@" if match["place"] else f"{kept}{MASK}"
