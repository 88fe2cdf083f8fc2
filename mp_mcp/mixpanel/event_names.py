"""`GET query/events/names`: which events the project has received.

Never trusts the default range: Mixpanel would look at the last month only.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from mp_mcp.errors import HistoryLimitError, MixpanelError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.refusals import history_days, is_about_tomorrow
from mp_mcp.mixpanel.transport import Params

MOST = 5000
"""Mixpanel cuts longer lists without a word."""

HISTORY_DAYS = "history_days"
HISTORY_KEEP_S = 24 * 3600.0

_EARLIEST = date(2000, 1, 1)
_NAMES = TypeAdapter(list[str])


async def event_names(mixpanel: Mixpanel) -> list[str]:
    """Every event that ever came in, in alphabetical order. Costs a unit of the query budget.

    The first time it may cost more: Mixpanel refuses to look further back than the project's
    history reaches, or beyond today, which is still yesterday for projects west of UTC.
    """
    today = datetime.now(UTC).date()
    days = await mixpanel.fact(HISTORY_DAYS)
    first = today - timedelta(days=days) if isinstance(days, int) else _EARLIEST
    try:
        return await _asked(mixpanel, first, today)
    except HistoryLimitError as error:
        days = history_days(error)
        if days is None or first > _EARLIEST:
            raise
        await mixpanel.keep_fact(HISTORY_DAYS, days, HISTORY_KEEP_S)
        return await _asked(mixpanel, today - timedelta(days=days), today)
    except MixpanelError as error:
        if not is_about_tomorrow(error):
            raise
        return await _asked(mixpanel, first, today - timedelta(days=1))


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
