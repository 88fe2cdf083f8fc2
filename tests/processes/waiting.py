"""Bounded waiting for a state of the world that announces itself nowhere."""

import threading
from collections.abc import Callable

PATIENCE_S = 30.0


def wait_until(is_true: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Return when the condition holds; fail when it does not in time."""
    tick = threading.Event()
    for _ in range(int(patience_s / 0.01)):
        if is_true():
            return
        tick.wait(0.01)
    raise AssertionError(f"still not true after {patience_s} s: {is_true}")
