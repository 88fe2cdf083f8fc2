"""The rate budget of each project: units spent in the rolling window, and requests under way.

All clients share it, a restart does not reset it, and Mixpanel's own counts correct it. It never
sleeps out a spent window: only a full number of places, or of starts per second, is waited for.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio

from mp_mcp.errors import RateLimitedError
from mp_mcp.mixpanel.costs import QUOTAS, UNCOUNTED_STATUSES, Cost, Kind, Quota
from mp_mcp.mixpanel.rate_headers import stated
from mp_mcp.mixpanel.usage import WORDS, Usage
from mp_mcp.state import State

SECOND_S = 1.1
"""A second, and some time that requests may catch up with each other on their way."""


class Budget:
    """The units in state.db and the places of this process; one for all clients."""

    def __init__(
        self,
        state: State,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._state = state
        self._clock = clock
        self._sleep = sleep
        self._waiting: defaultdict[tuple[str, Kind], int] = defaultdict(int)
        self._places: dict[tuple[str, Kind], anyio.CapacityLimiter] = {}

    @asynccontextmanager
    async def place(self, project: str, cost: Cost) -> AsyncIterator["Place"]:
        """Hold what one request takes, from before it is sent until its answer is read.

        Raises: RateLimitedError at once when a window is spent.
        """
        place = Place(self, project, cost)
        if cost.counts:
            for kind in cost.kinds:
                self._require_unit(project, kind)
        async with AsyncExitStack() as held:
            with _Waiting(self._waiting, project, cost.kinds if cost.counts else ()):
                for kind in cost.kinds:
                    if self.quota(project, kind).at_once is not None:
                        await _held(held, self._places_of(project, kind), place)
                    await self._pace(project, kind)
            place.start()
            yield place

    def usage(self, project: str) -> list[Usage]:
        """Every budget of a project."""
        return [self.usage_of(project, kind) for kind in QUOTAS]

    def usage_of(self, project: str, kind: Kind) -> Usage:
        """One budget of a project."""
        quota = self.quota(project, kind)
        started = self._started(project, kind, quota)
        # Who waits for a place will take a unit as soon as there is one.
        waiting = self._waiting[project, kind]
        over = max(0, len(started) + waiting - quota.per_window)
        places = self._places.get((project, kind))
        return Usage(
            kind=kind,
            used=len(started) + waiting,
            limit=quota.per_window,
            window_s=quota.window_s,
            running=int(places.borrowed_tokens) if places else 0,
            at_once=quota.at_once,
            next_free_s=self._frees_in(started, over, quota),
        )

    def projects(self) -> list[str]:
        """Projects of which anything is spent."""
        found = self._state.rows("SELECT DISTINCT project FROM budget_unit ORDER BY project")
        return [str(row[0]) for row in found]

    def quota(self, project: str, kind: Kind) -> Quota:
        """The limits in force: the published ones, or those that Mixpanel stated."""
        published = QUOTAS[kind]
        for per_window, at_once in self._state.rows(
            "SELECT per_window, at_once FROM budget_quota WHERE project = ? AND kind = ?",
            *(project, kind),
        ):
            return published._replace(
                per_window=per_window or published.per_window, at_once=at_once or published.at_once
            )
        return published

    def spend(self, project: str, kind: Kind) -> int:
        """Take a unit now; its number, for `refund`."""
        now = self._clock()
        window_s = QUOTAS[kind].window_s
        self._state.change(
            "DELETE FROM budget_unit WHERE kind = ? AND started <= ?", kind, now - window_s
        )
        found = self._state.rows(
            "INSERT INTO budget_unit (project, kind, started, is_ours) VALUES (?, ?, ?, 1) "
            "RETURNING id",
            *(project, kind, now),
        )
        return int(found[0][0])

    def refund(self, number: int) -> None:
        """Give a unit back."""
        self._state.change("DELETE FROM budget_unit WHERE id = ?", number)

    def limits(self, project: str, kind: Kind, per_window: int | None, at_once: int | None) -> None:
        """Mixpanel states the limits; None is what it does not say."""
        known = self.quota(project, kind)
        if (per_window or known.per_window, at_once or known.at_once) == (known[0], known[2]):
            return
        known = known._replace(
            per_window=per_window or known.per_window, at_once=at_once or known.at_once
        )
        self._state.change(
            "INSERT OR REPLACE INTO budget_quota (project, kind, per_window, at_once) "
            "VALUES (?, ?, ?, ?)",
            *(project, kind, known.per_window, known.at_once),
        )
        if known.at_once is not None:
            self._places_of(project, kind).total_tokens = known.at_once

    def others_used(self, project: str, kind: Kind, count: int, frees_in_s: float | None) -> None:
        """Others than us, whom only Mixpanel sees, have used so many units of the window."""
        window_s = QUOTAS[kind].window_s
        self._state.change(
            "DELETE FROM budget_unit WHERE project = ? AND kind = ? AND is_ours = 0", project, kind
        )
        left_s = window_s if frees_in_s is None else min(frees_in_s, window_s)
        for _ in range(count):
            self._state.change(
                "INSERT INTO budget_unit (project, kind, started, is_ours) VALUES (?, ?, ?, 0)",
                *(project, kind, self._clock() - window_s + left_s),
            )

    def forget(self, project: str, kind: Kind, count: int) -> None:
        """Mixpanel does not know of so many of our units: the oldest come back."""
        self._state.change(
            "DELETE FROM budget_unit WHERE id IN (SELECT id FROM budget_unit "
            "WHERE project = ? AND kind = ? AND is_ours = 1 ORDER BY started LIMIT max(0, ?))",
            *(project, kind, count),
        )

    def ours(self, project: str, kind: Kind) -> int:
        """Units of the window that we spent."""
        since = self._clock() - QUOTAS[kind].window_s
        found = self._state.rows(
            "SELECT count(*) FROM budget_unit "
            "WHERE project = ? AND kind = ? AND started > ? AND is_ours = 1",
            *(project, kind, since),
        )
        return int(found[0][0])

    def _require_unit(self, project: str, kind: Kind) -> None:
        usage = self.usage_of(project, kind)
        if usage.used < usage.limit:
            return
        raise RateLimitedError(
            f"The budget of Mixpanel {WORDS[kind][0]} is spent: {usage.sentence()}",
            hint="Everybody who asks this project shares it. Events that are fetched cost nothing "
            "to ask: use query_sql.",
            retry_after=usage.next_free_s,
        )

    def _started(self, project: str, kind: Kind, quota: Quota) -> list[float]:
        now = self._clock()
        # A clock that was set back must not keep units for longer than their window.
        self._state.change("UPDATE budget_unit SET started = ? WHERE started > ?", now, now)
        found = self._state.rows(
            "SELECT started FROM budget_unit "
            "WHERE project = ? AND kind = ? AND started > ? ORDER BY started",
            *(project, kind, now - quota.window_s),
        )
        return [float(row[0]) for row in found]

    def _frees_in(self, started: list[float], over: int, quota: Quota) -> float | None:
        """Seconds until one more may be asked, if those who wait go first."""
        if not started:
            return None
        return started[min(over, len(started) - 1)] + quota.window_s - self._clock()

    async def _pace(self, project: str, kind: Kind) -> None:
        quota = self.quota(project, kind)
        if quota.per_second is None:
            return
        while len(recent := self._started(project, kind, quota)) >= quota.per_second:
            wait_s = recent[-quota.per_second] + SECOND_S - self._clock()
            if wait_s <= 0:
                return
            await self._sleep(wait_s)

    def _places_of(self, project: str, kind: Kind) -> anyio.CapacityLimiter:
        found = self._places.get((project, kind))
        if found is None:
            at_once = self.quota(project, kind).at_once or 1
            found = self._places[project, kind] = anyio.CapacityLimiter(at_once)
        return found


class Place:
    """What one request holds."""

    def __init__(self, budget: Budget, project: str, cost: Cost) -> None:
        self._budget = budget
        self._project = project
        self._cost = cost
        self._units: list[int] = []
        self._least = 0
        self.is_waiting_for_others = False

    def start(self) -> None:
        """The request is about to leave: take its units, on disk."""
        for kind in self._cost.kinds[:1]:
            # Mixpanel counts them all, but perhaps not yet the others that are still under way.
            others = self._budget.usage_of(self._project, kind).running - 1
            self._least = self._budget.ours(self._project, kind) - max(0, others)
        if self._cost.counts:
            self._units = [self._budget.spend(self._project, kind) for kind in self._cost.kinds]

    def refund(self) -> None:
        """The request did not leave, or Mixpanel does not count it."""
        for unit in self._units:
            self._budget.refund(unit)
        self._units = []

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Correct the budget by what an answer says."""
        if status in UNCOUNTED_STATUSES:
            self.refund()
        if not self._cost.kinds:
            return
        said = stated(headers)
        self.is_waiting_for_others = said.places_left == 0
        # Of a JQL answer it is not known which of its two budgets is meant: the narrower one.
        kind = self._cost.kinds[0]
        self._budget.limits(self._project, kind, said.per_window, said.at_once)
        if said.remaining is not None:
            limit = self._budget.quota(self._project, kind).per_window
            used = max(0, limit - said.remaining)
            self._budget.forget(self._project, kind, self._least - used)
            others = max(0, used - self._budget.ours(self._project, kind))
            self._budget.others_used(self._project, kind, others, said.frees_in_s)

    def spent_until(self, seconds: float) -> None:
        """Mixpanel says, without counts, that nothing is left for so long."""
        for kind in self._cost.kinds[:1]:
            missing = self._budget.usage_of(self._project, kind)
            others = max(0, missing.limit - self._budget.ours(self._project, kind))
            self._budget.others_used(self._project, kind, others, seconds)

    def sentence(self) -> str:
        """The budget that this request is part of, in words."""
        kinds = self._cost.kinds[:1]
        return " ".join(self._budget.usage_of(self._project, kind).sentence() for kind in kinds)


class _Waiting:
    """Counts who will take a unit as soon as there is a place, so that too many never wait."""

    def __init__(self, waiting: Any, project: str, kinds: Iterable[Kind]) -> None:
        self._waiting = waiting
        self._keys = [(project, kind) for kind in kinds]

    def __enter__(self) -> None:
        for key in self._keys:
            self._waiting[key] += 1

    def __exit__(self, *_: object) -> None:
        for key in self._keys:
            self._waiting[key] -= 1


async def _held(stack: AsyncExitStack, places: anyio.CapacityLimiter, borrower: object) -> None:
    await places.acquire_on_behalf_of(borrower)
    stack.callback(places.release_on_behalf_of, borrower)
