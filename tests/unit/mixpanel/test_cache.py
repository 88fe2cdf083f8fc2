"""What is given again and to whom, and questions that are asked at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from mp_mcp.errors import MixpanelError, RateLimitedError
from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.transport import Decode, Question
from mp_mcp.state import State

from .budgeting import Clock

pytestmark = pytest.mark.anyio

NAMES = Question("GET", "query", "/events/names", {"limit": 5, "type": None})
ADA = Target(Credentials("service_account", "secret", "ada"), "42")


class Mixpanel:
    """A transport that answers with its number of calls, or as it is told."""

    def __init__(self, target: Target = ADA, answer: Callable[[int], Any] | None = None) -> None:
        self.target = target
        self.asked = 0
        self._answer = answer or (lambda number: [f"answer {number}"])

    async def ask(self, question: Question, decode: Decode | None = None) -> Any:  # noqa: ARG002
        self.asked += 1
        found = self._answer(self.asked)
        return await found if hasattr(found, "__await__") else found

    def stream(self, *_: Any) -> Any:
        raise AssertionError("nobody streams from a cache")

    async def back_off(self, attempt: int) -> None:
        raise AssertionError(f"nobody waits here, {attempt}")


@pytest.fixture
def cache(state: State, clock: Clock) -> AnswerCache:
    return AnswerCache(state, clock)


async def test_an_answer_is_given_again_and_says_since_when(
    cache: AnswerCache, clock: Clock
) -> None:
    mixpanel = Mixpanel()
    assert await cache.ask(mixpanel, NAMES, 300) == (["answer 1"], None)
    clock.now += 299
    assert await cache.ask(mixpanel, NAMES, 300) == (["answer 1"], "1970-01-12T13:46:40Z")
    assert mixpanel.asked == 1


async def test_an_answer_that_is_too_old_is_asked_for_again(
    cache: AnswerCache, clock: Clock
) -> None:
    mixpanel = Mixpanel()
    await cache.ask(mixpanel, NAMES, 300)
    clock.now += 300
    assert await cache.ask(mixpanel, NAMES, 300) == (["answer 2"], None)


async def test_an_answer_from_the_future_is_not_believed(cache: AnswerCache, clock: Clock) -> None:
    mixpanel = Mixpanel()
    await cache.ask(mixpanel, NAMES, 300)
    clock.now -= 1000
    assert (await cache.ask(mixpanel, NAMES, 300)).value == ["answer 2"]


async def test_a_fresh_answer_is_asked_for_and_replaces_the_kept_one(cache: AnswerCache) -> None:
    mixpanel = Mixpanel()
    await cache.ask(mixpanel, NAMES, 300)
    assert await cache.ask(mixpanel, NAMES, 300, fresh=True) == (["answer 2"], None)
    assert (await cache.ask(mixpanel, NAMES, 300)).value == ["answer 2"]


async def test_what_is_never_kept_is_asked_for_each_time(cache: AnswerCache, state: State) -> None:
    mixpanel = Mixpanel()
    answers = [await cache.ask(mixpanel, NAMES, 0) for _ in range(2)]
    assert [answer.cached_at for answer in answers] == [None, None]
    assert mixpanel.asked == 2
    assert state.rows("SELECT count(*) FROM answer") == [(0,)]


async def test_answers_outlive_the_process(state: State, clock: Clock) -> None:
    await AnswerCache(state, clock).ask(Mixpanel(), NAMES, 300)
    mixpanel = Mixpanel()
    assert (await AnswerCache(state, clock).ask(mixpanel, NAMES, 300)).value == ["answer 1"]
    assert mixpanel.asked == 0


async def test_facts_are_kept_for_the_same_eyes_as_answers(
    cache: AnswerCache, clock: Clock
) -> None:
    assert await cache.fact(ADA, "zone") is None
    await cache.keep_fact(ADA, "zone", "UTC", 60)
    assert await cache.fact(ADA, "zone") == "UTC"
    assert await cache.fact(Target(ADA.credentials, "43"), "zone") is None
    clock.now += 60
    assert await cache.fact(ADA, "zone") is None


@pytest.mark.parametrize(
    "other",
    [
        Target(Credentials("service_account", "wrong", "ada"), "42"),
        Target(Credentials("service_account", "secret", "bob"), "42"),
        Target(Credentials("oauth", "secret"), "42"),
        Target(ADA.credentials, "43"),
        Target(ADA.credentials, "42", region="eu"),
        Target(ADA.credentials, "42", base_url="http://127.0.0.1:1"),
        Target(ADA.credentials, "42", base_url="https://127.0.0.1:1"),
        Target(ADA.credentials, "42", base_url="http://127.0.0.1:1/eu"),
        Target(ADA.credentials, "42", workspace_id="4201"),
    ],
)
async def test_nobody_gets_the_answer_of_another_account_project_or_place(
    cache: AnswerCache, other: Target
) -> None:
    await cache.ask(Mixpanel(), NAMES, 300)
    stranger = Mixpanel(other, lambda _: "theirs")
    assert (await cache.ask(stranger, NAMES, 300)).value == "theirs"


async def test_other_parameters_are_another_question_and_absent_ones_are_none(
    cache: AnswerCache,
) -> None:
    mixpanel = Mixpanel()
    await cache.ask(mixpanel, NAMES, 300)
    await cache.ask(mixpanel, NAMES._replace(params={"limit": 6}), 300)
    await cache.ask(mixpanel, NAMES._replace(method="POST"), 300)
    await cache.ask(mixpanel, NAMES._replace(family="app"), 300)
    assert mixpanel.asked == 4
    await cache.ask(mixpanel, NAMES._replace(params={"limit": 5}), 300)
    assert mixpanel.asked == 4


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_the_file_holds_no_credentials(cache: AnswerCache, tmp_path: Path) -> None:
    await cache.ask(Mixpanel(), NAMES, 300)
    held = contents(tmp_path)
    assert b"secret" not in held
    assert ADA.credentials.authorization.encode() not in held
    assert ADA.credentials.authorization.removeprefix("Basic ").encode() not in held


async def test_a_failure_is_told_and_not_kept(cache: AnswerCache) -> None:
    def answer(number: int) -> Any:
        if number == 1:
            raise MixpanelError("no")
        return "yes"

    mixpanel = Mixpanel(answer=answer)
    with pytest.raises(MixpanelError, match="no"):
        await cache.ask(mixpanel, NAMES, 300)
    assert (await cache.ask(mixpanel, NAMES, 300)).value == "yes"


class Held:
    """An answer that a test lets go."""

    def __init__(self, answer: Any = "late") -> None:
        self.arrived = anyio.Event()
        self.let_go = anyio.Event()
        self.ended = anyio.Event()
        self._answer = answer

    async def __call__(self) -> Any:
        self.arrived.set()
        try:
            await self.let_go.wait()
        finally:
            self.ended.set()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def asking(cache: AnswerCache, mixpanel: Mixpanel, answers: list[Any], fresh: bool) -> None:
    try:
        answers.append((await cache.ask(mixpanel, NAMES, 300, fresh=fresh)).value)
    except MixpanelError as error:
        answers.append(error.message)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("answer", ["late", RateLimitedError("spent")])
async def test_who_asks_the_same_at_the_same_time_shares_one_request(
    cache: AnswerCache, answer: Any, fresh: bool
) -> None:
    held, answers = Held(answer), list[Any]()
    mixpanel = Mixpanel(answer=lambda _: held())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(asking, cache, mixpanel, answers, fresh)
            await anyio.wait_all_tasks_blocked()
            held.let_go.set()
    assert (mixpanel.asked, answers) == (1, [getattr(answer, "message", answer)] * 3)


async def test_one_who_goes_away_does_not_end_the_question_of_the_others(
    cache: AnswerCache,
) -> None:
    held, answers = Held(), list[Any]()
    mixpanel = Mixpanel(answer=lambda _: held())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as first:
                tasks.start_soon(asking, cache, mixpanel, answers, False)
                await held.arrived.wait()
                first.cancel()
                await cache.ask(mixpanel, NAMES, 300)
            held.let_go.set()
    assert (first.cancelled_caught, answers, mixpanel.asked) == (True, ["late"], 1)


async def test_the_last_one_who_goes_away_ends_the_request(cache: AnswerCache) -> None:
    held = Held()
    mixpanel = Mixpanel(answer=lambda _: held())
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(asking, cache, mixpanel, [], False)
            await held.arrived.wait()
            tasks.cancel_scope.cancel()
        await held.ended.wait()
        held.let_go.set()
        # And whoever asks now is not joined to what was ended.
        assert (await cache.ask(mixpanel, NAMES, 300)).value == "late"
    assert mixpanel.asked == 2


async def test_a_large_answer_is_kept_whole(cache: AnswerCache) -> None:
    answer = [{"name": f"Ünïcode {n} \ud800", "n": n} for n in range(20_000)]
    mixpanel = Mixpanel(answer=lambda _: answer)
    await cache.ask(mixpanel, NAMES, 300)
    assert (await cache.ask(mixpanel, NAMES, 300)).value == answer
    assert mixpanel.asked == 1


async def test_the_cache_has_a_size_and_the_oldest_answers_go_first(
    state: State, clock: Clock
) -> None:
    cache = AnswerCache(state, clock, most_bytes=60)
    mixpanel = Mixpanel()
    questions = [NAMES._replace(params={"limit": number}) for number in range(5)]
    for question in questions:
        await cache.ask(mixpanel, question, 300)
        clock.now += 1
    ((kept, total),) = state.rows("SELECT count(*), sum(bytes) FROM answer")
    assert 0 < kept < 5
    assert total <= 60
    assert (await cache.ask(mixpanel, questions[-1], 300)).cached_at is not None
    assert (await cache.ask(mixpanel, questions[0], 300)).cached_at is None


async def test_an_answer_that_is_too_large_is_given_and_not_kept(
    state: State, clock: Clock
) -> None:
    cache = AnswerCache(state, clock, most_bytes_of_one=5)
    mixpanel = Mixpanel()
    for number in (1, 2):
        assert await cache.ask(mixpanel, NAMES, 300) == ([f"answer {number}"], None)


async def test_a_damaged_answer_is_asked_for_again(cache: AnswerCache, state: State) -> None:
    mixpanel = Mixpanel()
    await cache.ask(mixpanel, NAMES, 300)
    state.change("UPDATE answer SET body = x'00'")
    assert (await cache.ask(mixpanel, NAMES, 300)).value == ["answer 2"]


async def test_answers_that_nobody_may_have_any_more_leave_the_file(
    cache: AnswerCache, state: State, clock: Clock
) -> None:
    mixpanel = Mixpanel()
    await cache.ask(mixpanel, NAMES, 300)
    clock.now += 301
    await cache.ask(mixpanel, NAMES._replace(params={}), 300)
    assert state.rows("SELECT count(*) FROM answer") == [(1,)]
