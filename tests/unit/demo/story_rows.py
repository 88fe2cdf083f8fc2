"""What tests compute their own truths from. Never asks the simulator for an answer."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mp_mcp.demo.bookmarks import make_bookmarks
from mp_mcp.demo.counted import Row
from mp_mcp.demo.events import Event
from mp_mcp.demo.history import History
from mp_mcp.demo.values import text_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY

DAYS = {"from_date": str(STORY.first_day), "to_date": str(STORY.last_day)}
WHOLE_STORY = [STORY.first_day + timedelta(days=n) for n in range(STORY.days)]


def counted(world: World, *names: str, first: date | None = None) -> list[Event]:
    """Every event of the story that reports count, by name and from a day on."""
    history = world.projects["1001"].history
    return [
        event
        for day in WHOLE_STORY
        if first is None or day >= first
        for event in history.counted(day, late=False)
        if not names or event.name in names
    ]


def user_of(event: Event) -> str:
    return text_of(event.properties["distinct_id"])


def day_of(event: Event) -> date:
    return datetime.fromtimestamp(event.properties["time"] / 1000, UTC).date()


def week_of(event: Event) -> date:
    day = day_of(event)
    return day - timedelta(days=day.weekday())


def by_user(events: list[Event]) -> dict[str, list[Event]]:
    people = defaultdict(list)
    for event in sorted(events, key=lambda event: int(event.properties["time"])):
        people[user_of(event)].append(event)
    return dict(people)


def saved(kind: str, *needles: str) -> dict[str, Any]:
    """The first saved report of a type whose params mention all of some texts."""
    return next(
        bookmark
        for bookmark in make_bookmarks(1001)
        if bookmark["type"] == kind and all(one in str(bookmark["params"]) for one in needles)
    )


def made_rows(story: str) -> list[Row]:
    """Rows written as `user:Event@hour`, with hours since 2025-03-20."""
    history = History(STORY)
    rows = []
    for word in story.split():
        user, _, rest = word.partition(":")
        name, _, hour = rest.partition("@")
        moment = datetime(2025, 3, 20, tzinfo=UTC) + timedelta(hours=float(hour))
        properties = {"time": int(moment.timestamp() * 1000), "distinct_id": user, "plan": user}
        rows.append(Row(Event(name, properties), history, UTC))
    return rows
