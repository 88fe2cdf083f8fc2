"""Who may ask Mixpanel now: the rate budget of each project, for all clients together.

It never sleeps out a spent window (that fails at once); only a full number of places, or of starts
per second, is waited for.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import anyio

from mp_mcp.errors import RateLimitedError
from mp_mcp.mixpanel import tally
from mp_mcp.mixpanel.costs import QUOTAS, UNCOUNTED_STATUSES, Cost, Kind
from mp_mcp.mixpanel.ledger import Ledger, Spending
from mp_mcp.mixpanel.rate_headers import Stated, stated, stated_in_words
from mp_mcp.mixpanel.usage import WORDS, Usage, advice
from mp_mcp.state import State

SECOND_S = 1.1
"""A second, and some time that requests may catch up with each other on their way."""

_TOLD_BY_WAITING: Mapping[Kind, float] = {"export": 60.0, "lexicon": 0.0}
"""Whoever is told to wait for more seconds than these has spent a window, not a place."""


class Budget:
    """Units are counted in the ledger, places in this process; one for all clients."""

    def __init__(
        self,
        state: State,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.ledger = Ledger(state, clock)
        self._clock = clock
        self._sleep = sleep
        self._waiting: Counter[tuple[str, Kind]] = Counter()
        self._places: dict[tuple[str, Kind], anyio.CapacityLimiter] = {}

    @asynccontextmanager
    async def place(self, project: str, cost: Cost) -> AsyncIterator["Place"]:
        """Hold what one request takes, from before it is sent until its answer is read.

        Raises: RateLimitedError at once when a window is spent.
        """
        place = Place(self, project, cost)
        self.require(project, cost)
        async with AsyncExitStack() as held:
            with self._promised(project, cost.kinds if cost.counts else ()):
                for kind in cost.kinds:
                    await self._take_place(project, kind, place, held)
                    await self._pace(project, kind)
            place.start()
            yield place

    def require(self, project: str, cost: Cost) -> None:
        """Raises: RateLimitedError when a window is spent of which the request costs a unit."""
        for kind in cost.kinds if cost.counts else ():
            self._require_unit(project, kind)

    def usage(self, project: str) -> list[Usage]:
        """Every budget of a project."""
        return [self.usage_of(project, kind) for kind in QUOTAS]

    def usage_of(self, project: str, kind: Kind) -> Usage:
        """One budget of a project."""
        quota = self.ledger.quota(project, kind)
        spent = self.ledger.spent(project, kind)
        # Who waits for a place will take a unit as soon as there is one.
        used = sum(one.units for one in spent) + self._waiting[project, kind]
        places = self._places.get((project, kind))
        return Usage(
            kind=kind,
            used=used,
            limit=quota.per_window,
            window_s=quota.window_s,
            running=int(places.borrowed_tokens) if places else 0,
            at_once=quota.at_once,
            next_free_s=_frees_in(spent, used - quota.per_window, quota.window_s, self._clock()),
        )

    def limit_places(self, project: str, kind: Kind) -> None:
        """Mixpanel stated a limit: as many places as the ledger says by now."""
        at_once = self.ledger.quota(project, kind).at_once
        if at_once is not None and (project, kind) in self._places:
            self._places[project, kind].total_tokens = at_once

    def _require_unit(self, project: str, kind: Kind) -> None:
        usage = self.usage_of(project, kind)
        if usage.used < usage.limit:
            return
        raise RateLimitedError(
            f"The budget of Mixpanel {WORDS[kind][0]} is spent: {usage.sentence()}",
            hint=advice(kind),
            retry_after=usage.next_free_s,
        )

    @contextmanager
    def _promised(self, project: str, kinds: Sequence[Kind]) -> Iterator[None]:
        """Count as used while waiting, so that no more wait than there are units."""
        keys = [(project, kind) for kind in kinds]
        self._waiting.update(keys)
        try:
            yield
        finally:
            self._waiting.subtract(keys)

    async def _take_place(
        self, project: str, kind: Kind, borrower: object, held: AsyncExitStack
    ) -> None:
        at_once = self.ledger.quota(project, kind).at_once
        if at_once is None:
            return
        places = self._places.setdefault((project, kind), anyio.CapacityLimiter(at_once))
        await places.acquire_on_behalf_of(borrower)
        held.callback(places.release_on_behalf_of, borrower)

    async def _pace(self, project: str, kind: Kind) -> None:
        per_second = QUOTAS[kind].per_second
        if per_second is None:
            return
        while True:
            starts = [one.started for one in self.ledger.spent(project, kind) if one.is_ours]
            wait_s = (
                starts[-per_second] + SECOND_S - self._clock() if per_second <= len(starts) else 0
            )
            if wait_s <= 0:
                return
            await self._sleep(wait_s)


class Place:
    """What one request holds."""

    def __init__(self, budget: Budget, project: str, cost: Cost) -> None:
        self._budget = budget
        self._ledger = budget.ledger
        self._project = project
        self._cost = cost
        # Of a JQL answer it is not known which of its two budgets is meant: the narrower one.
        self._kind = cost.kinds[0] if cost.kinds else None
        self._units: list[int] = []
        self._tally = tally.of_this_call()
        self._least = 0
        self.is_full_of_others = False

    def start(self) -> None:
        """The request is about to leave: take its units, on disk."""
        if self._kind is not None:
            # Mixpanel counts them all, but perhaps not yet the others that are still under way.
            others = self._budget.usage_of(self._project, self._kind).running - 1
            self._least = self._ledger.ours(self._project, self._kind) - max(0, others)
        if self._cost.counts:
            self._units = [self._ledger.spend(self._project, kind) for kind in self._cost.kinds]
            self._tally.units += len(self._units)

    def refund(self) -> None:
        """The request did not leave, or Mixpanel does not count it."""
        for unit in self._units:
            self._ledger.refund(unit)
        self._tally.units -= len(self._units)
        self._units = []

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Correct the budget by what an answer says."""
        if status in UNCOUNTED_STATUSES:
            self.refund()
        self._take_in(stated(headers))

    def learn_from_words(self, text: str, retry_after: float | None) -> None:
        """Correct the budget by a refusal without headers, as far as it gives reasons.

        An export or a question to Lexicon never has headers: whoever has to wait there has spent
        the window, unless the wait is as short as for a place. For a query it means nothing: an
        overloaded Mixpanel answers like that as well.
        """
        said = stated_in_words(text)
        shortest_s = _TOLD_BY_WAITING.get(self._kind) if self._kind else None
        if shortest_s is not None and retry_after is not None and retry_after > shortest_s:
            said = said._replace(remaining=0)
        self._take_in(said._replace(frees_in_s=retry_after))

    def _take_in(self, said: Stated) -> None:
        if self._kind is None:
            return
        project, kind = self._project, self._kind
        self.is_full_of_others = self.is_full_of_others or said.places_left == 0
        self._ledger.state_quota(project, kind, per_window=said.per_window, at_once=said.at_once)
        self._budget.limit_places(project, kind)
        if said.remaining is not None:
            used = max(0, self._ledger.quota(project, kind).per_window - said.remaining)
            self._ledger.forget(project, kind, self._least - used)
            others = used - self._ledger.ours(project, kind)
            self._ledger.others_spent(project, kind, others, said.frees_in_s)

    def advice(self) -> str:
        """What to do about the limit that this request met."""
        return advice(self._kind) if self._kind else ""

    def sentence(self) -> str:
        """The limit that this request met, in words; nothing where none is known."""
        if self._kind is None:
            return ""
        usage = self._budget.usage_of(self._project, self._kind)
        if self.is_full_of_others:
            return f"All {usage.at_once} places for queries at one time are taken by others."
        # Mixpanel gave no reason, and may be overloaded.
        is_doubtful = usage.used < usage.limit
        return f"By our count, {usage.sentence()}" if is_doubtful else usage.sentence()


def _frees_in(spent: Sequence[Spending], over: int, window_s: float, now: float) -> float | None:
    """Seconds until one more may be asked: `over` units more than the first have to come back."""
    for one in spent:
        over -= one.units
        if over < 0:
            return one.started + window_s - now
    return spent[-1].started + window_s - now if spent else None
