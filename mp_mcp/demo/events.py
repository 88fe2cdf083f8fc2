"""The events of the demo data: a day's events are a function of the story and the day.

Never keeps events in memory: a day is generated as it is read.
"""

import json
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from mp_mcp.demo.story import (
    BROKEN_METHOD,
    BROKEN_RELEASE,
    DRIFT_DAY,
    DROP_COUNTRY,
    GOOD_RELEASE,
    VERSION_TEXT_DAY,
    Story,
)
from mp_mcp.demo.users import User

MILLIS_PER_DAY = 86_400_000
PAGES = ("/", "/pricing", "/docs/getting-started", "/shop?q=caf%C3%A9&page=2", "/blog/🎉", "/login")
REFERRERS = (None, None, "https://www.google.com/", "https://news.example.org/a?b=c#d")
PRODUCTS = (("Mug", 9.5), ("T-shirt “Ünïcode”", 25.0), ("Sticker 🚀", 2), ("Hoodie", 59.99))
TAGS = ("new", "sale", "gift", "vip", "été")


class Event(NamedTuple):
    """One exported row; `time` in its properties is in milliseconds here."""

    name: str
    properties: dict[str, Any]
    late: bool = False


Details = Callable[[Random, User], dict[str, Any]]


def _nothing(_rng: Random, _user: User) -> dict[str, Any]:
    return {}


def _signup(rng: Random, user: User) -> dict[str, Any]:
    return {"method": ("email", "google", "sso")[int(rng.random() * 3)], "name": user.name}


def _page_view(rng: Random, _user: User) -> dict[str, Any]:
    page = PAGES[int(rng.random() * len(PAGES))]
    return {
        "$current_url": f"https://shop.example.org{page}",
        "$referrer": REFERRERS[int(rng.random() * len(REFERRERS))],
        "duration_s": round(rng.random() * 300, 3),
        "scroll": {"depth": int(rng.random() * 101), "unit": "%"},
        # Sixty bits do not survive a double.
        "trace_id": rng.getrandbits(60) | 1 << 59,
    }


def _search(rng: Random, _user: User) -> dict[str, Any]:
    results = int(rng.random() * 50)
    return {
        "query": ("mug", "00123", "caffè ☕", "", "true")[int(rng.random() * 5)],
        "results": results if results else None,
        "filters": [{"field": "price", "max": 20 + results}, {"field": "size", "in": ["S", "M"]}],
    }


def _order(rng: Random, user: User) -> dict[str, Any]:
    items = []
    total = 0.0
    for _ in range(1 + int(rng.random() * 3)):
        product, price = PRODUCTS[int(rng.random() * len(PRODUCTS))]
        quantity = 1 + int(rng.random() * 3)
        total += price * quantity
        items.append({"sku": product, "price": price, "qty": quantity, "opts": {"wrap": False}})
    methods = user.country.methods
    return {
        "amount": round(total, 2),
        "currency": user.country.currency,
        "items": items,
        "tags": [tag for tag in TAGS if rng.random() < 0.3],
        "payment_method": methods[int(rng.random() * len(methods))],
        "order_id": rng.getrandbits(60) | 1 << 59,
        "coupon": "00042" if rng.random() < 0.2 else None,
        "app_version": GOOD_RELEASE,
    }


def _failed_order(rng: Random, user: User) -> dict[str, Any]:
    details = _order(rng, user)
    details["error"] = "card_declined" if rng.random() < 0.8 else None
    return details


def _upgrade(rng: Random, user: User) -> dict[str, Any]:
    price = int(rng.random() * 4) * 12.5
    return {"previous_plan": user.plan, "new_plan": "team", "amount": price, "annual": price > 20}


def _report(rng: Random, _user: User) -> dict[str, Any]:
    # Names that need care in SQL, in JSON pointers and beside our own columns.
    return {
        "day": "Monday",
        "event": "inner",
        "a.b": 1,
        "path/with~tilde": "csv",
        'with "quotes"': True,
        "tiny": 1e-7,
        "whole": 5.0,
        "rows": int(rng.random() * 1e6),
    }


KINDS: tuple[tuple[str, float, Details], ...] = (
    ("Page View", 44, _page_view),
    ("Login", 20, _nothing),
    ("Search", 10, _search),
    ("Purchase", 12, _order),
    ("Payment Failed", 1, _failed_order),
    ("Signup", 6, _signup),
    ("Plan Upgraded", 3, _upgrade),
    ("Report Exported", 3, _report),
    ("Suporte: Olá 👋", 1, _nothing),
)
_KIND_STEPS = tuple(accumulate(weight for _, weight, _ in KINDS))


def events_of(story: Story, users: Sequence[User], day: date) -> Iterator[Event]:
    """Every row of a day in no particular order, duplicates and late ones included."""
    rng = Random(f"{story.seed}/day/{day}")  # noqa: S311
    random = rng.random
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
    late_share = 0.04 if story.is_late_day(day) else 0.0
    drop = story.is_drop_day(day)
    for _ in range(story.count_on(day)):
        user = users[int(random() ** 2 * len(users))]
        kind, _, details = KINDS[bisect(_KIND_STEPS, random() * _KIND_STEPS[-1])]
        moment = midnight + int((random() + random()) / 2 * MILLIS_PER_DAY)
        properties: dict[str, Any] = {
            "time": moment,
            "distinct_id": user.distinct_id,
            "$insert_id": f"{rng.getrandbits(64):016x}",
            "mp_processing_time_ms": moment + 900 + int(random() * 60_000),
            **user.fixed,
            **details(rng, user),
        }
        _drift(properties, story.index(day), user)
        if drop and properties.get("payment_method") == BROKEN_METHOD:
            kind = _break_payment(properties, kind, user)
        event = Event(kind, properties, random() < late_share)
        luck = random()
        if luck < 0.017:
            yield from _with_oddity(event, luck, random() < late_share * 8)
        else:
            yield event


def _drift(properties: dict[str, Any], day_index: int, user: User) -> None:
    """The tracking code changes over the days: a type first, then a new property."""
    version = user.browser_version
    text = day_index >= VERSION_TEXT_DAY
    properties["$browser_version"] = f"{version}.0.{properties['time'] % 7}" if text else version
    if day_index >= DRIFT_DAY:
        properties["experiment"] = "one-page checkout" if properties["time"] % 2 else "control"


def _break_payment(properties: dict[str, Any], kind: str, user: User) -> str:
    """In the drop week the new release cannot take the country's payment method."""
    if user.country.code != DROP_COUNTRY:
        return kind
    properties["app_version"] = BROKEN_RELEASE
    if properties["time"] % 8 == 0:
        return kind
    properties["error"] = "provider_timeout"
    return "Payment Failed"


def _with_oddity(event: Event, luck: float, late_correction: bool) -> Iterator[Event]:
    """A row sent twice, or without the id by which its double could be found."""
    if luck < 0.007:
        del event.properties["$insert_id"]
        yield event
        if luck < 0.002:
            # Equal rows without an id are two events.
            yield Event(event.name, dict(event.properties), event.late)
        return
    newer = {**event.properties, "plan": "corrected", "seats": 99}
    newer["mp_processing_time_ms"] += 60_000
    correction = Event(event.name, newer, event.late or late_correction)
    # The newer row may come first.
    yield from (correction, event) if luck < 0.012 else (event, correction)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def line_of(event: Event, time_in_ms: bool = False) -> bytes:
    """The exported line, with its line feed."""
    properties = event.properties
    if not time_in_ms:
        properties = {**properties, "time": properties["time"] // 1000}
    return f'{{"event":{_encode(event.name)},"properties":{_encode(properties)}}}\n'.encode()
