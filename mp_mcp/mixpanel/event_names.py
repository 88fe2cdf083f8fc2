"""`GET query/events/names`: which events the project has received.

Never trusts the default range: Mixpanel would look at the last month only.
"""

from datetime import date, timedelta
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

LAST_NAMES = "event_names"
LAST_NAMES_KEEP_S = 7 * 24 * 3600.0
"""For completion, where an event too many or too few does no harm."""

_EARLIEST = date(2000, 1, 1)
_TRIES = 3
"""The whole history, what is kept of it, and a day less where its days are not ours."""

_NAMES = TypeAdapter(list[str])


async def event_names(mixpanel: Mixpanel) -> list[str]:
    """Every event that ever came in, in alphabetical order. Costs a unit of the query budget.

    The first time it may cost more: Mixpanel refuses to look further back than the project's
    history reaches, or beyond today, which is still yesterday for projects west of UTC.
    """
    today = await mixpanel.today()
    days = await mixpanel.fact(HISTORY_DAYS)
    first = today - timedelta(days=days) if isinstance(days, int) else _EARLIEST
    last = today
    for _ in range(_TRIES - 1):
        try:
            return await _asked(mixpanel, first, last)
        except HistoryLimitError as error:
            days = history_days(error)
            if days is None:
                raise
            await mixpanel.keep_fact(HISTORY_DAYS, days, HISTORY_KEEP_S)
            # When that was the first day already, Mixpanel's today is tomorrow.
            first = max(today - timedelta(days=days), first + timedelta(days=1))
        except MixpanelError as error:
            if not is_about_tomorrow(error):
                raise
            last = today - timedelta(days=1)
    return await _asked(mixpanel, first, last)


async def _asked(mixpanel: Mixpanel, first: date, last: date) -> list[str]:
    params: Params = {
        "type": "general",
        "limit": MOST,
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
    }
    answer = await mixpanel.get("query", "/events/names", params, keep_s=freshness.DISCOVERY)
    names = event_names_of(answer)
    await mixpanel.keep_fact(LAST_NAMES, names, LAST_NAMES_KEEP_S)
    return names


async def last_event_names(mixpanel: Mixpanel) -> list[str]:
    """The names of the last answer, from the cache; none when there is none. Asks nothing."""
    names = await mixpanel.fact(LAST_NAMES)
    return names if isinstance(names, list) else []


def event_names_of(answer: Any) -> list[str]:
    """Names in alphabetical order; Mixpanel promises none."""
    names: list[str] = read(_NAMES, answer, "event names")
    return sorted(set(names))
