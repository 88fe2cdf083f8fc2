"""`GET query/events/top`: today's most frequent events, against yesterday's.

Never cached: it is asked in order to see a change.
"""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import NumberIfAny, read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.segmentation import CountType
from mp_mcp.results import Rows


class _Event(BaseModel):
    event: str
    amount: NumberIfAny = None
    percent_change: NumberIfAny = None


class _Top(BaseModel):
    events: list[_Event]


_TOP = TypeAdapter(_Top)


async def top_events(
    mixpanel: Mixpanel,
    type: CountType,  # noqa: A002 - the API's word, and the tool's
    limit: int,
) -> Rows:
    """Today's events of the project's day so far. Costs a unit of the query budget."""
    params = {"type": type, "limit": limit}
    return top_events_of(
        await mixpanel.get("query", "/events/top", params, keep_s=freshness.NEVER, zoned=True)
    )


def top_events_of(answer: Any) -> Rows:
    """The largest first, which Mixpanel does not promise; `percent_change` is a fraction."""
    found: list[_Event] = read(_TOP, answer, "top events").events
    found.sort(key=lambda each: (-(each.amount or 0), each.event))
    rows = [[each.event, each.amount, each.percent_change] for each in found]
    return Rows.of(["event", "count", "percent_change"], rows)
