"""The `RateLimit` and `RateLimit-Policy` headers: what Mixpanel itself says about a budget.

Never decides anything, and never fails: what cannot be read is not said.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_ITEM = re.compile(r'"([^"]*)"((?:\s*;\s*[a-z]+=(?:"[^"]*"|[^;,\s]+))*)')
_PAIR = re.compile(r'([a-z]+)=("?)([^;,"]+)\2')


class Stated(NamedTuple):
    """Numbers of the rolling window and of places; None where Mixpanel says nothing.

    `frees_in_s` is when the window has a unit again, in seconds.
    """

    per_window: int | None = None
    remaining: int | None = None
    frees_in_s: float | None = None
    at_once: int | None = None
    places_left: int | None = None


def stated(headers: Mapping[str, str]) -> Stated:
    """What the headers of one answer say. `headers` is case-insensitive."""
    policies = _items(headers.get("ratelimit-policy", ""))
    states = _items(headers.get("ratelimit", ""))
    window: dict[str, str] = {}
    places: dict[str, str] = {}
    for name in {**policies, **states}:
        known = {**policies.get(name, {}), **states.get(name, {})}
        (places if _is_about_places(name, known) else window).update(known)
    return Stated(
        per_window=_whole(window.get("q")),
        # One client of Mixpanel's own also reads `a`, for available.
        remaining=_whole(window.get("r", window.get("a"))),
        frees_in_s=_whole(window.get("t")),
        at_once=_whole(places.get("q")),
        places_left=_whole(places.get("r", places.get("a"))),
    )


def _is_about_places(name: str, known: Mapping[str, str]) -> bool:
    return "concurren" in name or "concurren" in known.get("qu", "")


def _items(header: str) -> dict[str, dict[str, str]]:
    return {
        found[1]: {pair[1]: pair[3].strip() for pair in _PAIR.finditer(found[2])}
        for found in _ITEM.finditer(header)
    }


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else None
