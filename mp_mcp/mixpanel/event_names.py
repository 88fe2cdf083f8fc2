"""`GET query/events/names`: which events the project has received.

Never trusts the default range: Mixpanel would look at the last month only.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from mp_mcp.errors import HistoryLimitError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.refusals import history_days
from mp_mcp.mixpanel.transport import Params

MOST = 5000
"""Mixpanel cuts longer lists without a word."""

_EARLIEST = date(2000, 1, 1)
_NAMES = TypeAdapter(list[str])


async def event_names(mixpanel: Mixpanel) -> list[str]:
    """Every event that ever came in, in alphabetical order. Costs a unit of the query budget.

    Mixpanel refuses to look further back than the project's history reaches: then it takes two.
    """
    today = datetime.now(UTC).date()
    try:
        return await _asked(mixpanel, _EARLIEST, today)
    except HistoryLimitError as error:
        days = history_days(error)
        if days is None:
            raise
        return await _asked(mixpanel, today - timedelta(days=days), today)


async def _asked(mixpanel: Mixpanel, first: date, last: date) -> list[str]:
    params: Params = {
        "type": "general",
        "limit": MOST,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
    }
    answer = await mixpanel.get("query", "/events/names", params, keep_s=freshness.DISCOVERY)
    return event_names_of(answer)


def event_names_of(answer: Any) -> list[str]:
    """Names in alphabetical order; Mixpanel promises none."""
    names: list[str] = read(_NAMES, answer, "event names")
    return sorted(set(names))
