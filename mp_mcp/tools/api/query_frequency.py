"""The tool query_frequency. Never touches the database."""

from typing import Annotated

from pydantic import Field

from mp_mcp.mixpanel import frequency
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.nothing_found import EVENTS, doubt_events, doubt_zeros
from mp_mcp.tools.params import EventIfAny, FromDate, Period, ToDate, Where, require_order

AddictionUnit = Annotated[
    frequency.AddictionUnit,
    Flag("--addiction-unit"),
    Field(description="What is counted inside a period: active hours or days"),
]


@tool(savable=True, chart=True)
async def query_frequency(
    mixpanel: Mixpanel,
    *,
    from_date: FromDate,
    to_date: ToDate,
    event: EventIfAny = None,
    unit: Period = "day",
    addiction_unit: AddictionUnit = "hour",
    where: Where = None,
) -> Rows:
    """Count how many users are active in at least 1, 2, 3... hours or days of a period.

    Use it to see how often users are active. Not for who comes back later: use query_retention. One
    row per period; at_least_3 are the users active in at least 3 hours (or days) of it. Costs 1
    query.
    Example: from_date="2025-01-01", to_date="2025-01-31", unit="week", addiction_unit="day".
    """
    require_order(from_date, to_date)
    found = await frequency.frequency(
        mixpanel,
        from_date,
        to_date,
        event=event,
        unit=unit,
        addiction_unit=addiction_unit,
        where=where,
    )
    return await doubt_events(doubt_zeros(found, EVENTS), mixpanel, event)
