"""The handles of jobs: those of one project, for its clients. Never shows those of another one."""

from mp_mcp.jobs import Job, JobControl, Jobs
from mp_mcp.progress import Report
from mp_mcp.server.job_runner import JobRunner


class JobsOfProject(Jobs, JobControl):
    """What the tools of jobs may do."""

    def __init__(self, runner: JobRunner, project: str) -> None:
        self._runner = runner
        self._project = project

    async def all(self) -> list[Job]:
        """The latest jobs, newest first."""
        return [record.shown() for record in self._runner.latest(self._project)]

    async def find(self, job: str) -> Job:
        """One job."""
        return self._runner.find(self._project, job).shown()

    async def wait(self, job: str, timeout_s: float, report: Report) -> Job:
        """The job when it has ended, or as it stands after so many seconds."""
        record = self._runner.find(self._project, job)
        await self._runner.wait(record.id, timeout_s, report)
        return await self.find(job)

    async def cancel(self, job: str) -> Job:
        """Stop it, and return when it has stopped."""
        await self._runner.stop(self._runner.find(self._project, job))
        return await self.find(job)
