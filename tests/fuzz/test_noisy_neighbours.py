"""Clients that send garbage, read nothing or stop in the middle hold up nobody but themselves.

Proven by what happens before what, never by a clock.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mp_mcp.settings import Home
from tests.fuzz.strangers import HELLO, Stranger, Witness, call, line, request
from tests.processes.agents import bare_environ, mp
from tests.processes.conftest import state_folder
from tests.processes.waiting import wait_until

ROUNDS = 20
GARBAGE = b'{"jsonrpc":"2.0","id":{}}\n' + b"\xff\xfe garbage\n" + b"[" * 1_000 + b"\n" + b"{}\n"


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """The home of one server for all of them."""
    with state_folder() as found:
        mp(bare_environ() | {"MP_HOME": str(found.path)}, "inspect", "workspace")
        yield found


class Noise:
    """A client that sends garbage as fast as it is taken, and throws away what it hears."""

    def __init__(self, stranger: Stranger) -> None:
        self._stranger = stranger
        self._done = threading.Event()
        self.sent = self.heard = 0
        self._threads = [threading.Thread(target=work) for work in (self._talk, self._listen)]
        for thread in self._threads:
            thread.start()

    def _talk(self) -> None:
        while not self._done.is_set():
            self._stranger.send(GARBAGE)
            self.sent += 1
        self._stranger.hang_up()

    def _listen(self) -> None:
        while self._stranger.hear() is not None:
            self.heard += 1

    def end(self) -> None:
        """Be quiet."""
        self._done.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def test_while_one_sends_garbage_without_end_another_is_answered(home: Home) -> None:
    with Stranger(home) as stranger, Witness(home) as witness:
        noise = Noise(stranger)
        try:
            for _ in range(ROUNDS):
                before = noise.sent, noise.heard
                witness.ask()
                wait_until(lambda: noise.sent > before[0] and noise.heard > before[1])  # noqa: B023
        finally:
            noise.end()
    assert noise.heard <= 4 * noise.sent


def test_while_one_reads_nothing_another_is_answered_and_then_the_first_one_is(
    home: Home,
) -> None:
    count = 250
    with Stranger(home) as deaf, Witness(home) as witness:
        deaf.send(line(HELLO))
        deaf.send(b"".join(line(request(number, "tools/list")) for number in range(count)))
        for _ in range(ROUNDS):
            witness.ask()
        # Only now does it read. So much fits into no buffer between it and the server.
        heard = deaf.hear_all(count - 1)
        assert sum(len(str(answer)) for answer in heard) > 5_000_000
        witness.ask()
        deaf.send(line(call("last", "query_sql", sql="SELECT 1")))
        heard += deaf.hear_all("last")
    assert sorted(str(answer["id"]) for answer in heard) == sorted(
        [*map(str, range(count)), "hello", "last"]
    )


def test_while_many_stop_in_the_middle_of_a_line_another_is_answered(home: Home) -> None:
    whole = line(call("late", "query_sql", sql="SELECT 1 -- " + "x" * 50_000))
    with ExitStack() as stack, Witness(home) as witness:
        halves = [stack.enter_context(Stranger(home)) for _ in range(ROUNDS)]
        for half in halves:
            half.send(whole[: len(whole) // 2])
            witness.ask()
        for half in halves:
            half.send(whole[len(whole) // 2 :])
            assert half.hear_all("late")[-1]["id"] == "late"
            witness.ask()
