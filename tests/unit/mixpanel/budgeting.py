"""A budget with a clock of its own, and requests that spend it. Never sleeps for real."""

from collections.abc import Mapping

import anyio.lowlevel

from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.costs import Cost, Kind

PROJECT = "us/42"
QUERY = Cost(("query",))
HOUR = 3600.0


class Clock:
    """Seconds that a test moves; sleeping moves them at once."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await anyio.lowlevel.checkpoint()


async def ask(
    budget: Budget,
    cost: Cost = QUERY,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    project: str = PROJECT,
) -> None:
    """One request from its beginning to its end."""
    async with budget.place(project, cost) as place:
        place.learn(status, headers or {})


def used(budget: Budget, kind: Kind = "query", project: str = PROJECT) -> int:
    return budget.usage_of(project, kind).used
