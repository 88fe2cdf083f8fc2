"""What the profiles of a project say: of its users, of visitors who only signed up, of companies.

Never counts events: a profile is a function of the story and a number.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from mp_mcp.demo.story import Story
from mp_mcp.demo.users import User, make_users

PROFILES = 2600
"""How many there are at least, so that they do not fit on two pages."""

COMPANIES = -1234567890123456789
"""The id of the group key `company`; such ids may be negative."""

_INDUSTRIES = ("Retail", "Software", "Gastronomia", "製造業")


class Profile(NamedTuple):
    """One profile; its id may be a number, and in old data it may be empty."""

    distinct_id: str | int
    properties: Mapping[str, Any]


def profile_of(story: Story, number: int, user: User) -> dict[str, Any]:
    """The properties of one user's profile; some have gaps, as in life."""
    created = datetime.combine(story.first_day, time(10)) - timedelta(hours=number * 7 % 9000)
    seen = datetime.combine(story.last_day, time(8, 1, 2)) - timedelta(minutes=number * 37 % 50_000)
    properties: dict[str, Any] = {
        **user.profile(),
        # Without a zone, as the service sends them.
        "$created": created.isoformat(),
        "$last_seen": max(created, seen).isoformat(),
        "seats": user.fixed["seats"],
        "trial": user.fixed["trial"],
    }
    if number % 3:
        properties["ltv"] = round(number * 37 % 950 + number % 4 * 0.25, 2)
    if number % 5 == 0:
        properties["tags"] = ["vip", "été"] if number % 2 else []
    if number % 7 == 0:
        properties["renewal"] = (created + timedelta(days=365)).isoformat()
    if number % 50 == 9:
        # Some exports have written the text of a missing value back as a value.
        properties["$region"] = "<null>"
    if number % 13 == 4:
        # An id of another system, with more digits than a double has.
        properties["account"] = 2**60 + number
    if number % 11 == 0:
        properties["nps"] = number % 10 if number % 2 else "unknown"
    return properties


def all_profiles(story: Story, count: int) -> Iterator[Profile]:
    """The users of the story, and more people after them up to `count`."""
    users = make_users(story.seed, max(count, story.user_count))
    for number, user in enumerate(users):
        yield Profile(user.distinct_id, profile_of(story, number, user))


def edited(
    profiles: Iterator[Profile], edits: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[Profile]:
    """The profiles with other properties, without deleted ones, with new ones at the end."""
    left = dict(edits)
    for profile in profiles:
        properties = left.pop(str(profile.distinct_id), profile.properties)
        if properties is not None:
            yield Profile(profile.distinct_id, properties)
    yield from (
        Profile(one, properties) for one, properties in left.items() if properties is not None
    )


def companies(story: Story) -> Iterator[Profile]:
    """The profiles of the group `company`."""
    for number in range(30):
        properties = {
            "$name": f"Firma № {number}",
            "$created": datetime.combine(story.first_day, time(9)).isoformat(),
            "industry": _INDUSTRIES[number % len(_INDUSTRIES)],
            "employees": number * 17 % 400 + 1,
            "arr": number * 1250.5,
        }
        yield Profile(f"company-{number}", properties)
