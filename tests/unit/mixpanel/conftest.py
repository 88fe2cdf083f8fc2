"""A Mixpanel on the other side of the network seam: scripted answers, recorded requests."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.state import State, open_state

from .budgeting import Clock

# The first text that hypothesis draws builds its table of characters: slow, but no defect of ours.
settings.register_profile(
    "calm", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("calm")

SECRET = "s3cret/+&<very>'private'"

Answer = httpx.Response | Exception
Script = Callable[..., "Wire"]


def unspent() -> Budget:
    """A budget of which nothing is used."""
    return Budget(open_state(Path(":memory:")))


class Pieces(httpx.AsyncByteStream):
    """A body that arrives in pieces and may break off."""

    def __init__(self, pieces: Iterable[bytes], error: Exception | None = None) -> None:
        self._pieces = list(pieces)
        self._error = error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._error is not None:
            raise self._error


class Wire:
    """Answers in order (the last one again and again) and remembers what was asked."""

    def __init__(self, answers: tuple[Answer, ...], target: Target) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.sleeps: list[float] = []
        self.now = 0.0
        self.seconds_per_answer = 0.0
        self.client = make_client(httpx.MockTransport(self._answer))
        self.budget = Budget(open_state(Path(":memory:")), sleep=self._sleep)
        self.http = Http(
            self.client, target, self.budget, sleep=self._sleep, clock=lambda: self.now
        )

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.now += self.seconds_per_answer
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        # A response can be read once; its script may be given again.
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the last request's URL."""
        return dict(self.requests[-1].url.params)


def streamed(*pieces: bytes, error: Exception | None = None) -> httpx.Response:
    """An answer that arrives in pieces; `error` cuts it."""
    return httpx.Response(200, stream=Pieces(pieces, error))


@pytest.fixture
def target() -> Target:
    return Target(Credentials("service_account", SECRET, "etl.mp-service-account"), "42")


@pytest.fixture
def script(target: Target) -> Script:
    """`script(*answers, target=...)`: an Http whose Mixpanel gives these answers."""

    def make(*answers: Answer, target: Target = target) -> Wire:
        return Wire(answers, target)

    return make


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = open_state(tmp_path / "state.db")
    yield found
    found.close()


@pytest.fixture
def budget(state: State, clock: Clock) -> Budget:
    return Budget(state, clock=clock, sleep=clock.sleep)
