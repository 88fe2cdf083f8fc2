"""`GET query/stream/query`: what some users did, event by event.

Never converts a time: it is UTC, or the project's time in projects made before 2023.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import Number, as_number, read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.expressions import json_list
from mp_mcp.results import Row, Rows

COLUMNS = ("time", "event", "distinct_id", "properties")

_EPOCH = datetime(1970, 1, 1)
"""Without a zone, because that of the events is not known."""


class _Happened(BaseModel):
    event: str
    properties: dict[str, Any]


class _Feed(BaseModel):
    events: list[_Happened]


class _Answer(BaseModel):
    results: _Feed


_ANSWER = TypeAdapter(_Answer)


async def activity_feed(
    mixpanel: Mixpanel, distinct_ids: Sequence[str], from_date: date, to_date: date
) -> Rows:
    """Events of these users, newest first. Costs a unit of the query budget; never cached."""
    params = {
        "distinct_ids": json_list(distinct_ids),
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
    }
    # Not zoned: the range is in the project's days, but the times are not.
    return activity_feed_of(
        await mixpanel.get("query", "/stream/query", params, keep_s=freshness.NEVER)
    )


def activity_feed_of(answer: Any) -> Rows:
    """One row per event, newest first; the properties are kept whole."""
    found: list[_Happened] = read(_ANSWER, answer, "an activity feed").results.events
    timed = [(_seconds(each.properties.get("time")), each) for each in found]
    timed.sort(key=lambda one: (one[0] is None, -(one[0] or 0)))
    return Rows.of(COLUMNS, [_row(seconds, each) for seconds, each in timed])


def _row(seconds: Number | None, each: _Happened) -> Row:
    known = each.properties
    ids = [known.get(name) for name in ("distinct_id", "$distinct_id")]
    who = next((str(found) for found in ids if found is not None and found != ""), None)
    return [_text(seconds), each.event, who, known]


def _seconds(value: Any) -> Number | None:
    with suppress(ValueError):
        value = as_number(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def _text(seconds: Number | None) -> str | None:
    """The epoch as a date and time of nobody's zone; None where no calendar has it."""
    with suppress(OverflowError, ValueError):
        if seconds is not None:
            return (_EPOCH + timedelta(seconds=int(seconds))).isoformat()
    return None
