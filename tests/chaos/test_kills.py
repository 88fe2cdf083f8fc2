"""However often the server is killed during a fetch, the job ends, and nothing is lost or doubled.

`make test` kills three times; `make test-chaos` kills twenty times more, at other moments.
"""

import os
import random
from collections.abc import Iterator
from datetime import date

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.demo.story import Story
from mp_mcp.settings import Home
from tests.chaos.killing import Killer
from tests.processes.agents import Command, mp
from tests.processes.exactness import Exactness

STORY = Story(days=20, events_per_day=800, last_day=date(2025, 3, 10))
MANY = ("--workers", "4")
"""Windows are small when many share the days."""


def more_rounds() -> Iterator[tuple[str, int]]:
    """Twenty kills when they are asked for; a seed that failed can be named."""
    if os.environ.get("MP_TEST_CHAOS"):
        seed = os.environ.get("MP_TEST_SEED") or random.SystemRandom().randrange(10**6)
        yield from ((f"{seed}/{number}", 4) for number in range(5))


@pytest.fixture(scope="module")
def mixpanel() -> Iterator[Running]:
    """More days than other tests need, so that a fetch takes some windows."""
    with simulator(days=20, events_per_day=800, last_day="2025-03-10") as running:
        yield running


class Fetch:
    """One fetch of all days: its job, and a command that follows it through all the kills."""

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        self._environ = environ
        self._words = ("fetch", "events", *words, *MANY)
        self.job = self.again()
        self._follower = Command(environ, *self._words)

    def again(self) -> str:
        """Ask for the same once more, without waiting for its end; the job."""
        return str(mp(self._environ, *self._words, "--detach").json["job"])

    def is_over(self) -> bool:
        """Whether the job has ended."""
        return self._follower.process.poll() is not None

    def finish(self) -> None:
        """Wait for the end, which must be a good one for everybody."""
        followed = self._follower.finish().json
        assert (followed["state"], followed["days"]) == ("done", STORY.days)
        ended = mp(self._environ, "wait", "job", self.job).json
        assert (ended["state"], ended["rows"]) == ("done", followed["rows"])


def kill_and_go_on(
    home: Home, environ: dict[str, str], exactness: Exactness, seed: str, kills: int
) -> None:
    """Kill the server at so many moments of fetches; each is gone on with by who comes next."""
    pick = random.Random(seed)
    killer = Killer(home, exactness, pick)
    fetch = Fetch(environ, *exactness.all.words)
    while kills:
        moment = killer.moment()
        print(f"seed {seed}: kill at {moment.name}")  # noqa: T201 - shown when the test fails
        if not killer.kill(moment, fetch.is_over):
            fetch.finish()
            fetch = Fetch(environ, *exactness.all.words, "--refresh")
            continue
        kills -= 1
        if pick.random() < 0.5:
            # A job is known by what it does: the same fetch is the same job.
            assert fetch.is_over() or fetch.again() == fetch.job
        else:
            mp(environ, "inspect", "jobs")
    fetch.finish()
    exactness.check(environ, exactness.all)
    exactness.forget()
    assert mp(environ, "fetch", "events", *exactness.all.words).json["days_fetched"] == 0
    assert exactness.exported() == []


@pytest.mark.parametrize(("seed", "kills"), [("a", 3), *more_rounds()])
def test_a_fetch_whose_server_is_killed_several_times_is_complete_and_exact(
    home: Home, environ: dict[str, str], mixpanel: Running, seed: str, kills: int
) -> None:
    kill_and_go_on(home, environ, Exactness(mixpanel, STORY), seed, kills)
