"""Who may read now: a few at a time, and long queries leave room for short ones.

Never runs anything: it hands out turns.
"""

import asyncio
from collections import deque

SHORT = 2
LONG = 6
PATIENCE_S = 0.5


class Turn:
    """Permission to run one query; `leave` gives it back."""

    def __init__(self, lanes: "Lanes") -> None:
        self._lanes = lanes
        self.is_long = False
        self.is_over = False

    def leave(self) -> None:
        """Give the turn back. Idempotent."""
        if not self.is_over:
            self.is_over = True
            self._lanes.left(self)


class Lanes:
    """Every query starts in the short lane; one that takes its time moves to the long lane.

    So the short lane frees itself while the long lane has room. At most SHORT + LONG run: when all
    of them take their time, even a short query waits until one ends.
    """

    def __init__(
        self, short: int = SHORT, long: int = LONG, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._most = short + long
        self._short_free = short
        self._long_free = long
        self._patience_s = patience_s
        self._waiting: deque[asyncio.Future[Turn]] = deque()
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
        return sum(not waiter.done() for waiter in self._waiting)

    async def enter(self) -> Turn:
        """Wait for a turn, first come first served."""
        if self._short_free:
            return self._start()
        waiter: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                waiter.result().leave()
            raise

    def _start(self) -> Turn:
        self._short_free -= 1
        turn = Turn(self)
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
                self._free_a_short_one()

    def _free_a_short_one(self) -> None:
        self._short_free += 1
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(self._start())
                return

    def left(self, turn: Turn) -> None:
        """Called by a turn that is over."""
        if turn.is_long:
            self._long_free += 1
            self._move()
        else:
            self._free_a_short_one()
