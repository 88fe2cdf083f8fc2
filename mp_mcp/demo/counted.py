"""The rows that a query counts: those of its days, of the named events, that pass its filter.

Never formats an answer, and never counts a duplicate twice.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cached_property, wraps

from starlette.responses import Response

from mp_mcp.demo.events import Event
from mp_mcp.demo.expressions import Expression, ExpressionError, Subject
from mp_mcp.demo.history import History
from mp_mcp.demo.rows import subject_of
from mp_mcp.demo.values import text_of, truth
from mp_mcp.demo.wire import Call, WireError


@dataclass(frozen=True, eq=False)
class Row:
    """One counted event, seen from its project."""

    event: Event
    history: History
    zone: tzinfo

    @property
    def name(self) -> str:
        """What happened."""
        return self.event.name

    @cached_property
    def user(self) -> str:
        """Who did it."""
        return text_of(self.event.properties["distinct_id"])

    @cached_property
    def at(self) -> int:
        """When, in epoch milliseconds."""
        return int(self.event.properties["time"])

    @cached_property
    def moment(self) -> datetime:
        """When, on the clock of the project."""
        return datetime.fromtimestamp(self.at / 1000, self.zone).replace(tzinfo=None)

    @cached_property
    def subject(self) -> Subject:
        """The event as expressions see it."""
        return subject_of(self.history, self.event)


@dataclass(frozen=True)
class Selection:
    """Which rows something is about: named events, or any, that pass a filter, if there is one."""

    names: frozenset[str] | None = None
    where: Expression | None = None

    def takes(self, row: Row) -> bool:
        """Whether the row is one of them; what is undefined is not true."""
        if self.names is not None and row.name not in self.names:
            return False
        return self.where is None or truth(self.where(row.subject))


def selection(names: Collection[str] | None, where: Expression | None = None) -> Selection:
    """The selection of some events; of all events when there are no names."""
    return Selection(None if names is None else frozenset(names), where)


def either(*wanted: Selection) -> Selection:
    """All rows that some selections could take, by their names only."""
    names: frozenset[str] = frozenset()
    for one in wanted:
        if one.names is None:
            return Selection()
        names |= one.names
    return Selection(names)


def counted_rows(call: Call, first: date, last: date, wanted: Selection) -> Iterator[Row]:
    """The rows of some days, as the project's calendar has them."""
    history, zone = call.project.history, call.project.zone
    # The story is told in days of UTC; those of another zone reach into the next ones.
    margin = timedelta(days=0 if zone.utcoffset(None) == timedelta(0) else 1)
    for day in history.story.days_between(first - margin, last + margin):
        for event in history.counted(day, late=call.world.switches.late):
            row = Row(event, history, zone)
            inside = not margin or first <= row.moment.date() <= last
            if inside and wanted.takes(row):
                yield row


def current_day(call: Call) -> date:
    """The day that relative ranges end with: the last one of which anything is known."""
    return call.project.story.last_day


def midnight(day: date) -> datetime:
    """The first moment of a day."""
    return datetime.combine(day, time())


def computed_at(call: Call) -> str:
    """When answers claim to be computed; always the same, so that they are repeatable."""
    return f"{call.project.story.today}T12:00:00.131415+00:00"


def refusing_bad_expressions(answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """An expression that cannot be applied to some row refuses the whole request."""

    @wraps(answer)
    def refusing(call: Call) -> Response:
        try:
            return answer(call)
        except ExpressionError as error:
            raise WireError(400, str(error)) from error

    return refusing
