"""Hints for answers that are empty, not whole or refused, without Mixpanel saying why.

Never asks: Mixpanel answers a wrong name like one that nobody has used yet.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mp_mcp.errors import MixpanelError, NotFoundError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_names import last_event_names
from mp_mcp.results import Rows
from mp_mcp.wording import closest

EVENTS = "inspect_events lists the events"
FUNNELS = "inspect_funnels lists the funnels"
FLOWS = "inspect_bookmarks lists the reports of type flows"
_DOUBT = ": a name may be wrong, which Mixpanel does not say."
PROPERTIES = f"{EVENTS}, inspect_properties the properties of one"


def doubt(found: Rows, what: str, lists: str) -> Rows:
    """The answer, with a hint when there is no row in it; `lists` says where names are listed."""
    if not found.rows:
        found.hint = _hint(f"{what} found", lists)
    return found


def doubt_zeros(found: Rows, lists: str) -> Rows:
    """The series, with a hint when all of its numbers are zero."""
    if not any(cell for row in found.rows for cell in row[1:]):
        found.hint = _hint("Nothing counted", lists)
    return found


def doubt_nobody(found: Rows, counted: str, what: str, lists: str) -> Rows:
    """The answer, with a hint when all is zero in the columns whose name begins with `counted`."""
    places = [place for place, name in enumerate(found.columns) if name.startswith(counted)]
    if not any(row[place] for row in found.rows for place in places):
        found.hint = _hint(what, lists)
    return found


def doubt_silent(found: Rows, lists: str) -> Rows:
    """The comparison, with a hint that names the columns in which all is zero."""
    silent = [
        name
        for place, name in enumerate(found.columns)
        if place and not any(row[place] for row in found.rows)
    ]
    if silent:
        found.hint = _hint(f"Nothing counted for {', '.join(silent)}", lists)
    return found


async def doubt_events(found: Rows, mixpanel: Mixpanel, *events: str | None) -> Rows:
    """The answer; where a name may be wrong, its hint has the names close to those of `events`.

    It looks at the last list of events that somebody asked for.
    """
    if _DOUBT not in (found.hint or ""):
        return found
    known = await last_event_names(mixpanel)
    for event in events:
        close = closest(event, known) if event and event not in known else []
        if close:
            found.hint = f"Instead of {event!r} did you mean the event {close[0]!r}? {found.hint}"
    return found


@contextmanager
def pointing(lists: str) -> Iterator[None]:
    """A refusal by Mixpanel says as well where the right names are listed."""
    try:
        yield
    except MixpanelError as error:
        if type(error) not in (MixpanelError, NotFoundError):
            raise
        raise error.with_hint(f"{error.hint} {lists}.") from error


def doubt_undefined(found: Rows) -> Rows:
    """The breakdown, with a hint when no event has the property that it is by."""
    if found.columns[1:] == ["undefined"] and not found.hint:
        found.hint = _hint("No event has this property", PROPERTIES)
    return found


def doubt_search(found: Rows, search: str | None, what: str) -> Rows:
    """The list, with a hint when the search is what left nothing of it."""
    if search and not found.rows and not found.hint:
        found.hint = f"No {what} has {search!r} in its name: search for less of it."
    return found


def doubt_last(found: Rows, limit: int) -> Rows:
    """The breakdown, with a hint when it has as many values as were asked for."""
    if len(found.columns) > limit and not found.hint:
        found.hint = f"These are the {limit} largest values, there may be more: raise limit."
    return found


def _hint(what: str, lists: str) -> str:
    return f"{what}{_DOUBT} {lists}."
