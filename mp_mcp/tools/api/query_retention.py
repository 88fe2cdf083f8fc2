"""The tool query_retention. Never touches the database."""

from typing import Annotated

from pydantic import Field

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.retention import retention
from mp_mcp.results import Rows
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.nothing_found import EVENTS, doubt_events, doubt_nobody
from mp_mcp.tools.params import FromDate, Period, TextIfAny, ToDate, require_order

Born = Annotated[
    str,
    Flag("-b", "--born"),
    Field(min_length=1, description="Event that makes a user part of a cohort, e.g. Signup"),
]
Return = Annotated[
    TextIfAny,
    Flag("-r", "--return"),
    Field(description="Event that counts as coming back, e.g. Login; default: any event"),
]
BornWhere = Annotated[
    TextIfAny,
    Flag("--born-where"),
    Field(description="Filter expression on the born event"),
]
ReturnWhere = Annotated[
    TextIfAny,
    Flag("--return-where"),
    Field(description="Filter expression on the return event"),
]
Interval = Annotated[
    int,
    Flag("-i", "--interval"),
    Field(ge=1, le=90, description="Days per period, instead of unit"),
]
Intervals = Annotated[
    int,
    Flag("-n", "--intervals"),
    Field(ge=1, le=100, description="Number of periods after the first one"),
]


@tool(savable=True, essential=True, chart=True)
async def query_retention(
    mixpanel: Mixpanel,
    born: Born,
    *,
    return_: Return = None,
    from_date: FromDate,
    to_date: ToDate,
    born_where: BornWhere = None,
    return_where: ReturnWhere = None,
    interval: Interval = 1,
    intervals: Intervals = 10,
    unit: Period = "day",
) -> Rows:
    """Count how many users of each day come back in the periods after it, in Mixpanel.

    Use it to see whether users stay. Not for how often they are active: use query_frequency. One
    row per birth date: users, count_0.., and rate_0.. as fractions of users; null is a period to
    come. Costs 1 query.
    Example: born="Signup", return="Login", from_date="2025-01-01", to_date="2025-01-31".
    """
    require_order(from_date, to_date)
    found = await retention(
        mixpanel,
        born,
        from_date,
        to_date,
        event=return_,
        born_where=born_where,
        where=return_where,
        interval=interval,
        interval_count=intervals,
        unit=unit,
    )
    doubt_nobody(found, "count_", "Nobody came back", EVENTS)
    doubt_nobody(found, "users", f"Nobody did {born!r} in the range", EVENTS)
    return await doubt_events(found, mixpanel, born, return_)
