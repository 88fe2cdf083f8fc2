"""Worker threads for duckdb calls, awaited from the event loop.

Never keeps the process alive: a call that cannot be interrupted (one huge scalar) may run for
minutes, and the threads of a ThreadPoolExecutor would be waited for at exit.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread, get_native_id
from typing import TypeVar

T = TypeVar("T")

NICENESS = 10
"""Of a background thread: a short read that wakes up goes before it at once, and a long one leaves
it a tenth of the processor. Alone it is as fast as any."""


class Threads:
    """As many threads as calls run at once; idle ones are used again.

    Those of a `background` pool let others go first where the system can tell threads apart. So do
    the threads that duckdb starts when a file is opened by one of them.
    """

    def __init__(self, name: str, *, background: bool = False) -> None:
        self._name = name
        self._background = background
        self._calls: SimpleQueue[Callable[[], Callable[[], None]] | None] = SimpleQueue()
        self._lock = Lock()
        self._idle = 0
        self._threads: list[Thread] = []

    def run(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Start a call now; the future has its outcome. Cancelling the future does not stop it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> Callable[[], None]:
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - whoever awaits the future gets it
                outcome = _fail(future, error)
            else:
                outcome = _succeed(future, result)
            return lambda: _deliver(loop, outcome)

        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                thread = Thread(target=self._work, name=self._name, daemon=True)
                thread.start()
                self._threads = [*filter(Thread.is_alive, self._threads), thread]
        self._calls.put(run)
        return future

    def end_idle(self) -> None:
        """End those that nobody needs now; later calls start new ones.

        Each keeps some memory of what it did, and with it pages of the heap (glibc's tcache).
        """
        with self._lock:
            ending, self._idle = self._idle, 0
        for _ in range(ending):
            self._calls.put(None)

    def close(self) -> None:
        """End the threads, which must be idle: that takes microseconds. Idempotent."""
        self.end_idle()
        for thread in self._threads:
            thread.join(timeout=1)

    def _work(self) -> None:
        if self._background:
            _let_others_first()
        while True:
            call = self._calls.get()
            if call is None:
                return
            deliver = call()
            del call
            # Idle before the outcome is known: who has it and calls again finds this thread.
            with self._lock:
                self._idle += 1
            deliver()
            del deliver


def _let_others_first() -> None:
    # Only Linux has a niceness per thread; elsewhere it would be that of the whole process.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), NICENESS)


def _deliver(loop: asyncio.AbstractEventLoop, outcome: Callable[[], None]) -> None:
    # When the loop is gone, nobody waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(outcome)


def _succeed(future: "asyncio.Future[T]", result: T) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(result)


def _fail(future: "asyncio.Future[T]", error: BaseException) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_exception(error)
