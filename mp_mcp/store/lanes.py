"""Who may read now: a few at a time, with room left for short queries and for other clients.

Never runs anything: it hands out turns.
"""

import asyncio
from collections import Counter, deque
from typing import NamedTuple

SHORT = 2
LONG = 6
PATIENCE_S = 0.5


class Turn:
    """Permission to run one query; `leave` gives it back."""

    def __init__(self, lanes: "Lanes", owner: object) -> None:
        self._lanes = lanes
        self.owner = owner
        self.is_long = False
        self.is_over = False

    def leave(self) -> None:
        """Give the turn back. Idempotent."""
        if not self.is_over:
            self.is_over = True
            self._lanes.left(self)


class Share:
    """One client's way to its turns; other clients have theirs."""

    def __init__(self, lanes: "Lanes") -> None:
        self._lanes = lanes

    @property
    def most(self) -> int:
        """How many may run at once, of all clients."""
        return self._lanes.most

    async def enter(self) -> Turn:
        """Wait for a turn."""
        return await self._lanes.enter(self)


class _Waiter(NamedTuple):
    owner: object
    turn: "asyncio.Future[Turn]"


class Lanes:
    """Every query starts in the short lane; one that takes its time moves to the long lane.

    So the short lane frees itself while the long lane has room. At most SHORT + LONG run: when all
    of them take their time, even a short query waits until one ends. One client alone gets no more
    than the long lane holds, and where several wait, whoever has the fewest turns comes next.
    """

    def __init__(
        self, short: int = SHORT, long: int = LONG, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._most = short + long
        self._most_of_one = max(long, 1)
        self._short_free = short
        self._long_free = long
        self._patience_s = patience_s
        self._turns_of: Counter[object] = Counter()
        self._waiting: deque[_Waiter] = deque()
        self._overdue: deque[Turn] = deque()

    @classmethod
    def of(cls, most: int) -> "Lanes":
        """So many at once, a quarter of them for short queries."""
        short = max(1, most // 4)
        return cls(short, max(0, most - short))

    @property
    def most(self) -> int:
        """How many may run at once."""
        return self._most

    @property
    def waiting(self) -> int:
        """Number of queries that wait for their turn."""
        return len(self._waiting)

    async def enter(self, owner: Share) -> Turn:
        """Wait for a turn of this client; among its own, first come first served."""
        if self._short_free and self._turns_of[owner] < self._most_of_one:
            return self._start(owner)
        waiter = _Waiter(owner, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.turn.cancelled():
                waiter.turn.result().leave()
            raise

    def _start(self, owner: object) -> Turn:
        self._short_free -= 1
        self._turns_of[owner] += 1
        turn = Turn(self, owner)
        asyncio.get_running_loop().call_later(self._patience_s, self._takes_long, turn)
        return turn

    def _takes_long(self, turn: Turn) -> None:
        if turn.is_over:
            return
        self._overdue.append(turn)
        self._move()

    def _move(self) -> None:
        while self._long_free and self._overdue:
            turn = self._overdue.popleft()
            if not turn.is_over:
                turn.is_long = True
                self._long_free -= 1
                self._short_free += 1
        self._serve()

    def _serve(self) -> None:
        """Give the free turns of the short lane to those who wait."""
        while self._short_free:
            mine = [one for one in self._waiting if self._turns_of[one.owner] < self._most_of_one]
            if not mine:
                return
            following = min(mine, key=lambda waiter: self._turns_of[waiter.owner])
            self._waiting.remove(following)
            if not following.turn.done():
                following.turn.set_result(self._start(following.owner))

    def left(self, turn: Turn) -> None:
        """Called by a turn that is over."""
        self._turns_of[turn.owner] -= 1
        if not self._turns_of[turn.owner]:
            del self._turns_of[turn.owner]
        if turn.is_long:
            self._long_free += 1
        else:
            self._short_free += 1
        self._move()
