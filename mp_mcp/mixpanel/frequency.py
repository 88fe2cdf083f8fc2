"""`GET query/retention/addiction`: on how many days (or in how many hours) users are active.

Never says how often something happened: a user counts once per hour or day.
"""

from datetime import date
from typing import Any, Literal

from pydantic import TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import NumberIfAny, is_day, read, unexpected
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.funnels import Unit
from mp_mcp.results import Rows

AddictionUnit = Literal["hour", "day"]

_WHAT = "frequency"
_PERIODS = TypeAdapter(dict[str, list[NumberIfAny]])


async def frequency(
    mixpanel: Mixpanel,
    from_date: date,
    to_date: date,
    *,
    event: str | None = None,
    unit: Unit = "day",
    addiction_unit: AddictionUnit = "hour",
    where: str | None = None,
) -> Rows:
    """Per `unit` of time: users who were active in at least 1, 2, ... of its `addiction_unit`s."""
    params = {
        "from_date": from_date.isoformat(),
        "to_date": to_date.isoformat(),
        "unit": unit,
        "addiction_unit": addiction_unit,
        "event": event,
        "where": where,
    }
    answer = await mixpanel.get(
        "query", "/retention/addiction", params, keep_s=freshness.until(to_date), zoned=True
    )
    return frequency_of(answer)


def frequency_of(answer: Any) -> Rows:
    """One row per period in order; the answer comes with and without a `data` envelope.

    Months differ in length: nobody was active on the 31st day of a shorter one, so it is zero.
    """
    if not isinstance(answer, dict):
        raise unexpected(_WHAT)
    held = answer.get("data", answer)
    if not isinstance(held, dict):
        raise unexpected(_WHAT)
    known = {day: users for day, users in held.items() if is_day(day)}
    if held and not known:
        raise unexpected(_WHAT)
    periods = read(_PERIODS, known, _WHAT)
    width = max((len(users) for users in periods.values()), default=0)
    columns = ["date", *(f"at_least_{units}" for units in range(1, width + 1))]
    rows = [[day, *users, *([0] * (width - len(users)))] for day, users in sorted(periods.items())]
    return Rows.of(columns, rows)
