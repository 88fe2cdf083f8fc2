"""What the Lexicon says about the events and properties of a project.

Never invents a property: they are those that the events and the profiles really carry.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from mp_mcp.demo.history import History

SAMPLED_DAYS = 30
SAMPLED_ROWS = 500
"""Of each sampled day; the days are spread over the whole story."""

ENTITY_TYPES = ("event", "profile", "custom_event")
PROFILE = "$user"
_DRAFT = "http://json-schema.org/draft-07/schema"
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}


class About(NamedTuple):
    """What people wrote about an event."""

    description: str
    display_name: str
    tags: tuple[str, ...] = ()
    hidden: bool = False


DOCUMENTED = {
    "Signup": About("A visitor opens an account", "Signed up", ("core",)),
    "Login": About("", ""),
    "Purchase": About("An order is paid", "Order paid", ("core", "revenue")),
    "Payment Failed": About("An order could not be paid", "Payment failed", ("revenue",)),
    "Page View": About("A page of the shop is shown", "Page viewed", (), hidden=True),
    "Plan Upgraded": About("User changes plan", "Plan upgraded", ("core",)),
    "Suporte: Olá 👋": About("Somebody asks the support", "Support asked"),
}
"""The other events of the demo have no schema, although they happen."""

CUSTOM_EVENTS = {"Checkout / paid": "A purchase, or a payment that failed"}


class Lexicon:
    """The documented and the observed schema of one project."""

    def __init__(self, history: History) -> None:
        self._history = history

    @cached_property
    def observed(self) -> dict[str, dict[str, Counter[str]]]:
        """Types of values, by event and property, as far as the sampled rows show them."""
        story = self._history.story
        found: dict[str, dict[str, Counter[str]]] = {}
        days = list(story.days_between(story.first_day, story.last_day))
        for day in days[:: -(-len(days) // SAMPLED_DAYS)]:
            for event in islice(self._history.exported(day, late=True), SAMPLED_ROWS):
                properties = found.setdefault(event.name, defaultdict(Counter))
                for name, value in event.properties.items():
                    properties[name][type_of(value)] += 1
        return found

    @cached_property
    def profile_properties(self) -> dict[str, Counter[str]]:
        """Types of values of the profiles' properties."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for profile in islice(self._history.profiles.values(), SAMPLED_ROWS):
            for name, value in profile.items():
                found[name][type_of(value)] += 1
        return found

    def entries(self, entity_type: str | None = None) -> list[dict[str, Any]]:
        """Everything that has a schema."""
        found = {("event", name): self._event_schema(name) for name in DOCUMENTED}
        found["profile", PROFILE] = {
            "$schema": _DRAFT,
            "description": "Customers of the shop",
            "additionalProperties": True,
            "properties": _properties(self.profile_properties),
        }
        for name, description in CUSTOM_EVENTS.items():
            found["custom_event", name] = {"description": description}
        return [
            {"entityType": kind, "name": name, "schemaJson": schema}
            for (kind, name), schema in found.items()
            if entity_type in (None, kind)
        ]

    def _event_schema(self, name: str) -> dict[str, Any]:
        about = DOCUMENTED[name]
        properties = self.observed.get(name, {})
        # Everything within a schema is optional.
        schema: dict[str, Any] = {"$schema": _DRAFT, "properties": _properties(properties)}
        if not about.description:
            return schema
        rows = max((types.total() for types in properties.values()), default=0)
        always = sorted(key for key, types in properties.items() if types.total() == rows)
        metadata = {
            "$source": "api",
            "displayName": about.display_name,
            "tags": list(about.tags),
            "hidden": about.hidden,
            "dropped": False,
            "contacts": ["ana@example.org"],
            "teamContacts": ["Growth"],
        }
        return {
            **schema,
            "description": about.description,
            "required": always,
            "additionalProperties": True,
            "metadata": {"com.mixpanel": metadata},
        }


def type_of(value: object) -> str:
    """The name that a JSON schema has for the type of a value."""
    if value is None:
        return "null"
    return _TYPES.get(type(value), "object")


def usual_type(types: Counter[str]) -> str:
    """The most frequent type that is not null."""
    frequent = [name for name, _ in types.most_common() if name != "null"]
    return frequent[0] if frequent else "null"


def _properties(found: Mapping[str, Counter[str]]) -> dict[str, Any]:
    metadata = {"displayName": "", "hidden": False, "dropped": False}
    return {
        name: {
            "type": usual_type(types),
            "description": "",
            "metadata": {"com.mixpanel": {**metadata, "displayName": name.lstrip("$")}},
        }
        for name, types in sorted(found.items())
    }
