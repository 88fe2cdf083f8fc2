"""The text of a page of profiles, cut into its profiles without reading what they say.

Never turns a property into a Python value and back: numbers keep every digit that Mixpanel sent.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

# What the values are nobody asks: the decoder is only there to find where each one ends.
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_SPACE = " \t\n\r"

Reader = Callable[[str, str, int], tuple[Any, int]]
"""`(text, key, at)`: the value that begins at `at`, and where it ends."""


class Profile(NamedTuple):
    """A user or a group; `properties` is the JSON text of an object, on one line."""

    distinct_id: str
    properties: str


def page_of(content: bytes) -> Any:
    """The decoded answer, with a Profile for each of its `results`.

    What has another shape comes decoded, for the caller to refuse. Raises: ValueError.
    """
    text = content.decode(errors="replace")
    start = _skip(text, 0)
    if not text.startswith("{", start):
        return _SCANNER.decode(text)
    answer, end = _object(text, start, _field)
    if _skip(text, end) != len(text):
        raise _error(text, end)
    return answer


def _field(text: str, key: str, at: int) -> tuple[Any, int]:
    if key == "results" and text.startswith("[", at):
        return _results(text, at)
    return _SCANNER.raw_decode(text, at)


def _results(text: str, at: int) -> tuple[list[Any], int]:
    results: list[Any] = []
    at = _skip(text, at + 1)
    if text.startswith("]", at):
        return results, at + 1
    while True:
        found, at = _entry(text, at)
        results.append(found)
        at = _skip(text, at)
        if text.startswith("]", at):
            return results, at + 1
        at = _after(",", text, at)


def _entry(text: str, at: int) -> tuple[Any, int]:
    if not text.startswith("{", at):
        return _SCANNER.raw_decode(text, at)
    pieces, end = _object(text, at, _piece)
    return _profile(pieces) or pieces, end


def _piece(text: str, _key: str, at: int) -> tuple[str, int]:
    _, end = _SCANNER.raw_decode(text, at)
    return text[at:end], end


def _profile(pieces: dict[str, str]) -> Profile | None:
    """The profile, None for an entry of any other shape."""
    distinct_id = pieces.get("$distinct_id", "")
    properties = pieces.get("$properties", "null")
    if distinct_id.startswith('"'):
        distinct_id = json.loads(distinct_id)
    elif not distinct_id.startswith(tuple("-0123456789")):
        return None
    if properties == "null":
        properties = "{}"
    if not properties.startswith("{"):
        return None
    # Inside a string no line can break: what breaks lines stands between values.
    return Profile(distinct_id, properties.replace("\n", " ").replace("\r", " "))


def _object(text: str, at: int, read: Reader) -> tuple[dict[str, Any], int]:
    """The object that begins at `at`, and where it ends."""
    found: dict[str, Any] = {}
    at = _skip(text, at + 1)
    if text.startswith("}", at):
        return found, at + 1
    while True:
        key, end = _SCANNER.raw_decode(text, at)
        if not isinstance(key, str) or not text.startswith('"', at):
            raise _error(text, at)
        at = _after(":", text, _skip(text, end))
        found[key], at = read(text, key, at)
        at = _skip(text, at)
        if text.startswith("}", at):
            return found, at + 1
        at = _after(",", text, at)


def _after(sign: str, text: str, at: int) -> int:
    if not text.startswith(sign, at):
        raise _error(text, at)
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _error(text: str, at: int) -> ValueError:
    return json.JSONDecodeError("Not JSON", text, at)
