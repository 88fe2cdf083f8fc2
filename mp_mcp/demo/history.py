"""What happened in one project: rows as they are exported, and rows as reports count them.

Never keeps more than a small story in memory: the days of a big one are generated again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Any

from mp_mcp.demo.events import Event, events_of
from mp_mcp.demo.profiles import profile_of
from mp_mcp.demo.story import Story
from mp_mcp.demo.users import User, make_users

MAX_KEPT_ROWS = 20_000


class History:
    """The events of a story, by day."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._kept: dict[date, tuple[Event, ...]] = {}
        self._kept_rows = 0

    @cached_property
    def users(self) -> Sequence[User]:
        """The people of the story."""
        return make_users(self.story.seed, self.story.user_count)

    @cached_property
    def profiles(self) -> dict[str | int, dict[str, Any]]:
        """What is known of each person, by id."""
        return {
            user.distinct_id: profile_of(self.story, number, user)
            for number, user in enumerate(self.users)
        }

    def day(self, day: date) -> Iterable[Event]:
        """Every row of a day; do not change them."""
        kept = self._kept.get(day)
        if kept is not None:
            return kept
        events = events_of(self.story, self.users, day)
        if self._kept_rows + self.story.count_on(day) > MAX_KEPT_ROWS:
            return events
        kept = self._kept[day] = tuple(events)
        self._kept_rows += len(kept)
        return kept

    def exported(self, day: date, *, late: bool) -> Iterator[Event]:
        """The rows of a day that have arrived, duplicates included."""
        return (event for event in self.day(day) if late or not event.late)

    def counted(self, day: date, *, late: bool) -> Iterable[Event]:
        """The rows of a day that reports count: of duplicates, the one processed last."""
        best: dict[object, Event] = {}
        for number, event in enumerate(self.exported(day, late=late)):
            key = duplicate_key(event) or number
            known = best.get(key)
            if known is None or _processed(event) > _processed(known):
                best[key] = event
        return best.values()


def duplicate_key(event: Event) -> tuple[object, ...] | None:
    """What equal events share; None for a row whose double cannot be known."""
    properties = event.properties
    insert_id = properties.get("$insert_id")
    if insert_id is None:
        return None
    return (event.name, properties["distinct_id"], properties["time"], insert_id)


def _processed(event: Event) -> int:
    return int(event.properties["mp_processing_time_ms"])
