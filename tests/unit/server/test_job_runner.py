"""Jobs while their server lives: started once, followed, stopped, and none ends another."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mp_mcp.errors import (
    CredentialsError,
    JobCancelledError,
    MpError,
    NotFoundError,
    RateLimitedError,
)
from mp_mcp.server import job_runner
from mp_mcp.state import State, open_state
from tests.unit.server.jobs_at_work import Done, Here, Office, Work, office

pytestmark = pytest.mark.anyio


class Panic(BaseException):
    """What a library in Rust raises: no Exception."""


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(tmp_path / "state.db")


@pytest.fixture
async def at_work(state: State) -> AsyncIterator[Office]:
    async with office(state, Work()) as found:
        yield found


async def test_a_call_gets_the_answer_of_a_job_that_ends_in_time(at_work: Office) -> None:
    at_work.work.release.set()
    answer = await at_work.call(days=3)
    assert isinstance(answer, Done)
    assert (answer.state, answer.days, answer.project) == ("done", 3, "1001")
    [record] = at_work.runner.latest("us/1001")
    assert (record.id, record.state, record.message) == (answer.job, "done", "3 of 3 days")
    assert record.ended is not None


async def test_a_call_of_a_long_job_gets_its_id_and_how_far_it_is(
    at_work: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runner, "WAIT_S", 0.01)
    answer = await at_work.call(days=3)
    assert isinstance(answer, Done)
    assert (answer.state, answer.progress) == ("running", "0 of 3 days")
    assert "wait_job" in str(answer.hint)
    assert at_work.runner.find("us/1001", str(answer.job)).state == "running"


async def test_a_detached_call_returns_before_the_job_has_begun(at_work: Office) -> None:
    answer = await at_work.call(detach=True)
    assert isinstance(answer, Done)
    assert (answer.state, at_work.work.began) == ("running", [])
    await at_work.work.wait_until_begun()


async def test_two_equal_calls_are_one_job(at_work: Office) -> None:
    first = at_work.start(days=3)
    await at_work.work.wait_until_begun()
    assert at_work.start(days=3, client="another") is first
    at_work.work.release.set()
    await at_work.ended(first)
    assert at_work.work.began == [3]


async def test_other_arguments_and_another_project_are_other_jobs(at_work: Office) -> None:
    jobs = [at_work.start(3), at_work.start(4), at_work.start(3, Here("2002"))]
    assert len({job.record.id for job in jobs}) == 3
    assert [record.id for record in at_work.runner.latest("us/2002")] == [jobs[2].record.id]


async def test_the_same_call_after_the_end_is_a_new_job(at_work: Office) -> None:
    at_work.work.release.set()
    first = at_work.start()
    await at_work.ended(first)
    assert at_work.start().record.id != first.record.id


async def test_a_client_that_cancels_its_call_leaves_the_job_running(at_work: Office) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(at_work.call)
        await at_work.work.wait_until_begun()
        tasks.cancel_scope.cancel()
    [record] = at_work.runner.running()
    at_work.work.release.set()
    await at_work.until(record.id, "done")


async def test_everybody_who_follows_a_job_hears_its_progress(at_work: Office) -> None:
    heard: list[str | None] = []

    async def report(_done: float, _total: float | None, message: str | None) -> None:
        heard.append(message)
        if len(heard) == 2:
            at_work.work.release.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: at_work.call(days=2, report=report))
        tasks.start_soon(lambda: at_work.call(days=2, report=report))
    assert heard[:2] == ["0 of 2 days"] * 2
    assert at_work.work.began == [2]


async def test_a_stopped_job_is_cancelled_and_the_same_call_starts_again(at_work: Office) -> None:
    job = at_work.start()
    await at_work.work.wait_until_begun()
    await at_work.runner.stop(job.record)
    kept = at_work.kept(job)
    assert (kept.state, kept.ended is None, kept.error) == ("cancelled", False, None)
    again = at_work.start()
    assert again.record.id != job.record.id
    await at_work.work.wait_until_begun(2)


async def test_who_follows_a_job_that_somebody_stops_is_told_so(at_work: Office) -> None:
    async def stop() -> None:
        await at_work.work.wait_until_begun()
        await at_work.runner.stop(next(at_work.runner.running()))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop)
        with pytest.raises(JobCancelledError, match="was stopped") as caught:
            await at_work.call()
    assert "What was loaded stays" in str(caught.value.hint)


async def test_a_call_does_not_join_a_job_that_is_being_stopped(at_work: Office) -> None:
    at_work.work.may_stop = anyio.Event()
    job = at_work.start()
    await at_work.work.wait_until_begun()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(at_work.runner.stop, job.record)
        await anyio.lowlevel.checkpoint()
        assert at_work.start().record.id != job.record.id
        at_work.work.may_stop.set()
    assert at_work.kept(job).state == "cancelled"


async def test_stopping_a_job_that_has_ended_changes_nothing(at_work: Office) -> None:
    at_work.work.release.set()
    job = at_work.start()
    await at_work.ended(job)
    await at_work.runner.stop(at_work.kept(job))
    assert at_work.kept(job).state == "done"


async def test_a_failing_job_gives_its_error_to_its_caller_and_keeps_it(state: State) -> None:
    failure = RateLimitedError("The hour is spent.", hint="Wait.", retry_after=7)
    async with office(state, Work(failure)) as at_work:
        with pytest.raises(RateLimitedError, match="The hour is spent") as caught:
            await at_work.call()
        assert (caught.value.hint, caught.value.retry_after) == ("Wait.", 7)
        [record] = at_work.runner.latest("us/1001")
    assert record.state == "failed"
    assert record.error == failure.info().as_dict()


@pytest.mark.parametrize("bug", [KeyError("internal"), Panic("internal")])
async def test_a_bug_ends_its_job_only(state: State, bug: BaseException) -> None:
    async with office(state, Work(bug)) as at_work:
        with pytest.raises(MpError, match="because of a bug") as caught:
            await at_work.call(days=1)
        assert "internal" not in str(caught.value.info())
        other = at_work.start(days=2)
        at_work.work.release.set()
        assert (await at_work.ended(other)).state == "done"


async def test_half_a_surrogate_pair_in_an_error_is_kept_and_ends_nothing(state: State) -> None:
    async with office(state, Work(MpError("odd \ud83d text"))) as at_work:
        with pytest.raises(MpError, match="odd"):
            await at_work.call()
        [record] = at_work.runner.latest("us/1001")
        assert record.error == {
            "code": "unexpected",
            "message": "odd \ud83d text",
            "retryable": False,
        }


async def test_refused_credentials_fail_the_call_that_brought_them(state: State) -> None:
    async with office(state, Work(CredentialsError("refused"))) as at_work:
        with pytest.raises(CredentialsError, match="refused"):
            await at_work.call()
        assert [record.state for record in at_work.runner.latest("us/1001")] == ["failed"]


async def test_a_job_of_another_project_cannot_be_found_by_its_id(at_work: Office) -> None:
    job = at_work.start()
    with pytest.raises(NotFoundError, match=job.record.id) as caught:
        at_work.runner.find("us/2002", job.record.id)
    assert "inspect_jobs" in str(caught.value.hint)


async def test_nothing_is_idle_while_a_job_runs(at_work: Office) -> None:
    job = at_work.start()
    assert at_work.runner.idle_s() == 0
    at_work.work.release.set()
    await at_work.ended(job)
    assert at_work.runner.idle_s() > 0


async def test_a_hundred_jobs_run_to_their_ends(at_work: Office) -> None:
    jobs = [at_work.start(days) for days in range(1, 101)]
    await at_work.work.wait_until_begun(100)
    at_work.work.release.set()
    assert {(await at_work.ended(job)).state for job in jobs} == {"done"}


async def test_jobs_run_where_no_state_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    state = open_state(tmp_path / "state.db")
    assert not state.is_kept
    async with office(state, Work()) as at_work:
        at_work.work.release.set()
        answer = await at_work.call()
        assert isinstance(answer, Done)
        assert at_work.runner.find("us/1001", str(answer.job)).state == "done"


async def test_the_writer_of_a_job_knows_the_jobs_id(at_work: Office) -> None:
    here = Here()
    job = at_work.start(here=here)
    await at_work.work.wait_until_begun()
    assert here.lent == [job.record.id]
