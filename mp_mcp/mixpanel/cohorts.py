"""`POST query/cohorts/list`: the saved cohorts of a project.

Never lists their members.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows

COLUMNS = ("id", "name", "count", "description", "created", "is_visible", "data_group_id")


class _Cohort(BaseModel):
    # Ids of groups have more digits than a number keeps in every host.
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: int
    name: str | None = None
    count: int | None = None
    description: str | None = None
    created: str | None = None
    is_visible: bool | None = None
    data_group_id: str | None = None


_COHORTS = TypeAdapter(list[_Cohort])


async def cohorts(mixpanel: Mixpanel) -> Rows:
    """Saved cohorts by name, with their sizes. Costs a unit of the query budget."""
    return cohorts_of(await mixpanel.post("query", "/cohorts/list", {}, keep_s=freshness.DISCOVERY))


def cohorts_of(answer: Any) -> Rows:
    """One row per cohort, in alphabetical order; times are as sent, without zone."""
    found: list[_Cohort] = read(_COHORTS, answer, "cohorts")
    found.sort(key=lambda cohort: ((cohort.name or "").casefold(), cohort.id))
    return Rows.of(COLUMNS, [[getattr(cohort, name) for name in COLUMNS] for cohort in found])
