"""The tools that watch and stop jobs: what each state of a job looks like to their callers."""

from typing import Any

import pytest

from mp_mcp.errors import JobCancelledError, NotFoundError, RateLimitedError
from mp_mcp.jobs import WAIT_S, Job, JobControl, Jobs
from mp_mcp.progress import Report
from mp_mcp.tools.jobs.cancel_job import cancel_job
from mp_mcp.tools.jobs.inspect_jobs import inspect_jobs
from mp_mcp.tools.jobs.wait_job import wait_job
from tests.unit.tools.fakes import HeardProgress

pytestmark = pytest.mark.anyio


def job(name: str = "job-1", **facts: Any) -> Job:
    known: dict[str, Any] = {
        "job": name,
        "tool": "fetch_events",
        "arguments": {"table": "events", "events": [], "where": None, "replace": False},
        "state": "running",
        "client": "mp pid 7",
        "started_at": "2025-01-01T00:00:00Z",
    }
    return Job(**{**known, **facts})


class FakeJobs(Jobs, JobControl):
    """Has these jobs, and remembers what was asked of it."""

    def __init__(self, *jobs: Job) -> None:
        self._jobs = {found.job: found for found in jobs}
        self.waited: list[float] = []
        self.cancelled: list[str] = []

    async def all(self) -> list[Job]:
        """All of them."""
        return list(self._jobs.values())

    async def find(self, job: str) -> Job:
        """One of them."""
        if job not in self._jobs:
            raise NotFoundError(f"There is no job {job} in this project.")
        return self._jobs[job]

    async def wait(self, job: str, timeout_s: float, report: Report) -> Job:
        """It, at once."""
        self.waited.append(timeout_s)
        await report(3, 10, "3 of 10 days")
        return await self.find(job)

    async def cancel(self, job: str) -> Job:
        """It, cancelled."""
        self.cancelled.append(job)
        return (await self.find(job)).model_copy(update={"state": "cancelled"})


async def test_jobs_are_listed_with_the_arguments_that_say_something() -> None:
    found = await inspect_jobs(FakeJobs(job(progress="3 of 10 days"), job("job-2")))
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert [row["job"] for row in rows] == ["job-1", "job-2"]
    assert rows[0]["arguments"] == {"table": "events"}
    assert (rows[0]["state"], rows[0]["progress"]) == ("running", "3 of 10 days")
    assert found.hint is None


async def test_a_failed_job_is_listed_with_the_reason() -> None:
    error = RateLimitedError("The hour is spent.").info().as_dict()
    found = await inspect_jobs(FakeJobs(job(state="failed", error=error)))
    assert found.rows[0][found.columns.index("error")] == "The hour is spent."


async def test_one_job_is_listed_alone() -> None:
    found = await inspect_jobs(FakeJobs(job(), job("job-2")), "job-2")
    assert [row[0] for row in found.rows] == ["job-2"]


async def test_a_list_without_jobs_says_what_starts_one() -> None:
    found = await inspect_jobs(FakeJobs())
    assert (found.rows, "fetch_events" in str(found.hint)) == ([], True)


async def test_a_job_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="job-9"):
        await inspect_jobs(FakeJobs(job()), "job-9")
    with pytest.raises(NotFoundError, match="job-9"):
        await wait_job(FakeJobs(job()), HeardProgress(), "job-9")


@pytest.mark.parametrize("state", ["running", "done", "interrupted", "needs_credentials"])
async def test_waiting_shows_how_a_job_stands_and_its_progress(state: str) -> None:
    progress = HeardProgress()
    found = await wait_job(FakeJobs(job(state=state)), progress, "job-1")
    assert found.state == state
    assert progress.notes == [(3, 10, "3 of 10 days")]


@pytest.mark.parametrize(("asked", "granted"), [(0.0, 0.0), (5.0, 5.0), (3600.0, WAIT_S)])
async def test_no_call_waits_longer_than_hosts_allow(asked: float, granted: float) -> None:
    jobs = FakeJobs(job())
    await wait_job(jobs, HeardProgress(), "job-1", timeout=asked)
    assert jobs.waited == [granted]


async def test_waiting_for_a_failed_job_raises_its_error() -> None:
    error = RateLimitedError("The hour is spent.", hint="Wait.", retry_after=7).info().as_dict()
    with pytest.raises(RateLimitedError, match="The hour is spent") as caught:
        await wait_job(FakeJobs(job(state="failed", error=error)), HeardProgress(), "job-1")
    assert (caught.value.hint, caught.value.retry_after) == ("Wait.", 7)


async def test_waiting_for_a_stopped_job_says_that_it_was_stopped() -> None:
    stopped = job(state="cancelled", hint="What was loaded stays.")
    with pytest.raises(JobCancelledError, match="job-1 was stopped") as caught:
        await wait_job(FakeJobs(stopped), HeardProgress(), "job-1")
    assert caught.value.hint == "What was loaded stays."


async def test_cancelling_answers_how_the_job_stands_then() -> None:
    jobs = FakeJobs(job())
    assert (await cancel_job(jobs, "job-1")).state == "cancelled"
    assert jobs.cancelled == ["job-1"]
