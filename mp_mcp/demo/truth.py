"""The right answers about the demo data, computed from the events themselves.

Never looks at what was served: it is what tests compare with.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from mp_mcp.demo.events import Event
from mp_mcp.demo.history import History
from mp_mcp.demo.values import UNDEFINED, is_number, text_of


@dataclass
class Truth:
    """Answers about a range of days; everything but `rows` counts duplicates once."""

    rows: int = 0
    events: int = 0
    by_event: Counter[str] = field(default_factory=Counter)
    by_day: Counter[str] = field(default_factory=Counter)
    by_day_event: dict[str, Counter[str]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    values: Counter[str] = field(default_factory=Counter)
    """Rows by the text of the asked property; a missing one is `undefined`."""
    sum: float = 0.0
    """Sum of the asked property's numbers."""
    sum_by_day: Counter[str] = field(default_factory=Counter)
    """The same by day; of whole numbers it is exact."""
    distinct_by_day: Counter[str] = field(default_factory=Counter)
    """How many different (event, distinct_id, second, $insert_id) there are."""

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            **vars(self),
            "users": len(self.users),
            "keys": sorted(self.keys),
        }


def truth_of(
    history: History,
    first: date,
    last: date,
    *,
    late: bool = False,
    event: str | None = None,
    prop: str | None = None,
) -> Truth:
    """The truth about a range of days, of one event when it is named."""
    truth = Truth()
    for day in history.story.days_between(first, last):
        exported = history.exported(day, late=late)
        truth.rows += sum(1 for row in exported if event in (None, row.name))
        counted = (row for row in history.counted(day, late=late) if event in (None, row.name))
        _count(truth, str(day), counted, prop)
    return truth


def _count(truth: Truth, day: str, events: Iterable[Event], prop: str | None) -> None:
    names: Counter[str] = Counter()
    identities: set[tuple[object, ...]] = set()
    for event in events:
        names[event.name] += 1
        truth.keys.update(event.properties)
        truth.users.add(text_of(event.properties["distinct_id"]))
        identities.add(_identity(event))
        if prop is not None:
            value = event.properties.get(prop, UNDEFINED)
            truth.values[text_of(value)] += 1
            truth.sum += value if is_number(value) else 0
            truth.sum_by_day[day] += value if is_number(value) else 0
    if not names:
        return
    truth.by_event.update(names)
    truth.by_day[day] = names.total()
    truth.by_day_event[day] = names
    truth.distinct_by_day[day] = len(identities)
    truth.events += names.total()


def _identity(event: Event) -> tuple[object, ...]:
    """What a row is told by once it is exported, with times in seconds."""
    sent = event.properties
    who = text_of(sent["distinct_id"])
    return (event.name, who, sent["time"] // 1000, sent.get("$insert_id"))
