"""Which events of a request's days pass its filters.

Never formats an answer: endpoints do.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from typing import Any

from mp_mcp.demo.events import Event
from mp_mcp.demo.expressions import Expression, Subject
from mp_mcp.demo.history import History
from mp_mcp.demo.story import Story
from mp_mcp.demo.values import truth


def noon_of_today(story: Story) -> float:
    """What `NOW` is in expressions: noon of the story's today, so that answers are repeatable."""
    return datetime.combine(story.today, time(12), UTC).timestamp()


def subject_of(history: History, event: Event) -> Subject:
    """The event as expressions see it, with times in seconds."""
    properties: dict[str, Any] = {**event.properties, "time": event.properties["time"] // 1000}
    distinct_id = properties["distinct_id"]
    return Subject(
        properties=properties,
        event={
            "$time": properties["time"],
            "$event_name": event.name,
            "$distinct_id": distinct_id,
        },
        user=history.profiles.get(distinct_id, {}),
        now=noon_of_today(history.story),
    )


def passing(history: History, events: Iterable[Event], where: Expression | None) -> Iterator[Event]:
    """The events for which the expression is true; undefined is not."""
    if where is None:
        yield from events
        return
    for event in events:
        if truth(where(subject_of(history, event))):
            yield event
