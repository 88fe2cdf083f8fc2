"""What one call spends of Mixpanel's budgets, counted where it is spent.

Never decides what may be spent (`budget.py` does), and counts a shared question for its first asker
only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Tally:
    """Units that a call, or a job, has spent so far."""

    def __init__(self) -> None:
        self.units = 0


_CURRENT: ContextVar[Tally | None] = ContextVar("tally", default=None)


def of_this_call() -> Tally:
    """Where to count; what nobody wants to know is counted for nobody."""
    return _CURRENT.get() or Tally()


@contextmanager
def counting(tally: Tally) -> Iterator[Tally]:
    """Count in this tally what the block and the tasks that it starts spend."""
    before = _CURRENT.set(tally)
    try:
        yield tally
    finally:
        _CURRENT.reset(before)
