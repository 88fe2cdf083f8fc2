"""What Mixpanel itself says about a budget: `RateLimit` headers, or the words of a refusal.

Never decides anything, and never fails: what cannot be read is not said.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_ITEM = re.compile(r'"([^"]*)"((?:\s*;\s*[a-z]+=(?:"[^"]*"|[^;,\s]+))*)')
_IN_THE_HOUR = re.compile(r"(\d{1,6})/(\d{1,6}) queries running in the last hour")
_AT_ONCE = re.compile(r"(\d{1,6})/(\d{1,6}) queries running concurrently")
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
    known = {name: {**policies.get(name, {}), **states.get(name, {})} for name in policies | states}
    window = next((item for name, item in known.items() if _is_our_window(name, item)), {})
    places = next((item for name, item in known.items() if _is_about_places(name, item)), {})
    return Stated(
        per_window=_whole(window.get("q")),
        # One client of Mixpanel's own also reads `a`, for available.
        remaining=_whole(window.get("r", window.get("a"))),
        frees_in_s=_whole(window.get("t")),
        at_once=_whole(places.get("q")),
        places_left=_whole(places.get("r", places.get("a"))),
    )


def stated_in_words(text: str) -> Stated:
    """What a refusal says without headers: `61/60 queries running in the last hour`."""
    hour, places = _IN_THE_HOUR.search(text), _AT_ONCE.search(text)
    is_spent = hour is not None and int(hour[1]) > int(hour[2])
    is_full = places is not None and int(places[1]) > int(places[2])
    return Stated(
        per_window=int(hour[2]) if hour else None,
        remaining=0 if is_spent else None,
        at_once=int(places[2]) if places else None,
        places_left=0 if is_full else None,
    )


def _is_our_window(name: str, item: Mapping[str, str]) -> bool:
    """The project's rolling hour: other windows, of users for instance, are not ours to count."""
    if _is_about_places(name, item):
        return False
    return name == "project" or (item.get("w") == "3600" and "user" not in name)


def _is_about_places(name: str, item: Mapping[str, str]) -> bool:
    return "concurren" in name or "concurren" in item.get("qu", "")


def _items(header: str) -> dict[str, dict[str, str]]:
    return {
        found[1]: {pair[1]: pair[3].strip() for pair in _PAIR.finditer(found[2])}
        for found in _ITEM.finditer(header)
    }


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else None
