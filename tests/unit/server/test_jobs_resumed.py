"""Jobs from one server to the next: in whose name they go on, and which of them wait."""

from pathlib import Path

import anyio
import pytest

from mp_mcp.errors import CredentialsError, UsageError
from mp_mcp.server.job_table import JobTable
from mp_mcp.state import State, open_state
from tests.unit.server.jobs_at_work import Here, Work, office, standing

pytestmark = pytest.mark.anyio


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(tmp_path / "state.db")


async def left_behind(state: State, *jobs: tuple[int, Here]) -> list[str]:
    """Ids of jobs that a server did not end, in their order."""
    async with office(state, Work()) as at_work:
        ids = [at_work.start(days, here).record.id for days, here in jobs]
        await at_work.work.wait_until_begun(len(jobs))
    return ids


def states(state: State) -> list[str]:
    return [record.state for record in JobTable(state).latest("us/1001")]


async def test_a_leaving_server_interrupts_its_jobs(state: State) -> None:
    async with office(state, Work()) as at_work:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: at_work.call(days=3))
            await at_work.work.wait_until_begun()
            await at_work.runner.close()
        [record] = at_work.table.latest("us/1001")
    assert (record.state, record.ended, record.message) == ("interrupted", None, "0 of 3 days")


async def test_a_job_that_is_started_while_the_server_leaves_is_for_the_next_one(
    state: State,
) -> None:
    async with office(state, Work()) as at_work:
        await at_work.runner.close()
        answer = await at_work.call()
        assert at_work.work.began == []
        assert answer.model_dump()["state"] == "interrupted"
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        await at_work.work.wait_until_begun()


async def test_a_stored_accounts_job_goes_on_under_its_id_and_the_oldest_begins(
    state: State,
) -> None:
    ids = await left_behind(state, (5, Here()), (4, Here()))
    here = Here()
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(here))
        await at_work.work.wait_until_begun(2)
        assert (at_work.work.began, here.lent) == ([5, 4], ids)
        at_work.work.release.set()
        for job in ids:
            assert (await at_work.until(job, "done")).result is not None


async def test_a_job_of_a_killed_server_goes_on_like_an_interrupted_one(state: State) -> None:
    [job] = await left_behind(state, (5, Here()))
    state.change("UPDATE job SET state = 'running'")
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        await at_work.work.wait_until_begun()
        assert at_work.runner.find("us/1001", job).state == "running"


async def test_a_job_of_somebodys_own_credentials_waits_whatever_accounts_are_stored(
    state: State,
) -> None:
    await left_behind(state, (5, Here(account=None)))
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here(account="default")))
        assert (states(state), at_work.work.began) == (["needs_credentials"], [])
        [record] = at_work.runner.latest("us/1001")
        assert "credentials" in str(record.shown().hint)


@pytest.mark.parametrize(
    "here", [Here(has_credentials=False), Here(project=""), Here(project="2002")]
)
async def test_a_job_whose_account_changed_waits(state: State, here: Here) -> None:
    await left_behind(state, (5, Here()))
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(here))
        assert (states(state), at_work.work.began) == (["needs_credentials"], [])


async def test_a_waiting_job_goes_on_with_the_credentials_of_the_next_client(
    state: State,
) -> None:
    [job] = await left_behind(state, (5, Here(account=None)))
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        at_work.runner.offer(Here(has_credentials=False))
        at_work.runner.offer(Here(project="2002"))
        assert states(state) == ["needs_credentials"]
        at_work.runner.offer(Here(account=None))
        at_work.runner.offer(Here(account=None))
        await at_work.work.wait_until_begun()
        at_work.work.release.set()
        await at_work.until(job, "done")
        assert at_work.work.began == [5]


async def test_a_resumed_job_whose_credentials_are_refused_waits_for_better_ones(
    state: State,
) -> None:
    [job] = await left_behind(state, (5, Here()))
    refused = CredentialsError("The keyring is locked.", hint="Unlock it.")
    async with office(state, Work(refused)) as at_work:
        at_work.runner.resume(standing(Here()))
        found = await at_work.until(job, "needs_credentials")
        assert (found.error or {})["message"] == "The keyring is locked."
        assert found.ended is None
        at_work.work.release.set()
        at_work.runner.offer(Here())
        assert (await at_work.until(job, "done")).error is None


async def test_the_same_call_takes_over_a_job_that_waits(state: State) -> None:
    [job] = await left_behind(state, (5, Here(account=None)))
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        taken = at_work.start(5, client="somebody else")
        assert taken.record.id == job
        at_work.work.release.set()
        kept = await at_work.ended(taken)
        assert (kept.state, kept.client, states(state)) == ("done", "somebody else", ["done"])


async def test_a_waiting_job_can_be_stopped_and_is_never_resumed(state: State) -> None:
    [job] = await left_behind(state, (5, Here(account=None)))
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        await at_work.runner.stop(at_work.runner.find("us/1001", job))
        at_work.runner.offer(Here())
        assert (states(state), at_work.work.began) == (["cancelled"], [])


async def test_a_job_that_is_stopped_while_the_server_leaves_stays_stopped(state: State) -> None:
    async with office(state, Work()) as at_work:
        job = at_work.start()
        await at_work.work.wait_until_begun()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(at_work.runner.stop, job.record)
            tasks.start_soon(at_work.runner.close)
    assert states(state) == ["cancelled"]


@pytest.mark.parametrize("change", ["tool = 'fetch_nothing'", "arguments = '{\"weeks\": 1}'"])
async def test_a_job_of_another_version_fails_and_says_so(state: State, change: str) -> None:
    [job] = await left_behind(state, (5, Here()))
    state.change(f"UPDATE job SET {change}")
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        found = at_work.runner.find("us/1001", job)
        assert (found.state, at_work.work.began) == ("failed", [])
        assert "another version" in str(found.error)


async def test_ended_jobs_are_not_resumed(state: State) -> None:
    async with office(state, Work(UsageError("no"))) as at_work:
        with pytest.raises(UsageError):
            await at_work.call()
        at_work.work.release.set()
        await at_work.call(days=2)
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        at_work.runner.offer(Here())
        assert list(at_work.runner.running()) == []


async def test_a_job_that_waits_answers_its_watchers_at_once(state: State) -> None:
    [job] = await left_behind(state, (5, Here(account=None)))
    async with office(state, Work()) as at_work:
        at_work.runner.resume(standing(Here()))
        assert (await at_work.until(job, "needs_credentials")).id == job
