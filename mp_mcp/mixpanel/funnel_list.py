"""`GET query/funnels/list`: the saved funnels of a project.

Never reads what a funnel answers.
"""

from typing import Any

from pydantic import BaseModel, TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows


class _Funnel(BaseModel):
    funnel_id: int
    name: str | None = None


_FUNNELS = TypeAdapter(list[_Funnel])


async def funnel_list(mixpanel: Mixpanel) -> Rows:
    """Saved funnels by name. Costs a unit of the query budget."""
    return funnel_list_of(
        await mixpanel.get("query", "/funnels/list", {}, keep_s=freshness.DISCOVERY)
    )


def funnel_list_of(answer: Any) -> Rows:
    """One row per funnel, in alphabetical order."""
    found: list[_Funnel] = read(_FUNNELS, answer, "saved funnels")
    found.sort(key=lambda funnel: ((funnel.name or "").casefold(), funnel.funnel_id))
    return Rows.of(["funnel_id", "name"], [[funnel.funnel_id, funnel.name] for funnel in found])
