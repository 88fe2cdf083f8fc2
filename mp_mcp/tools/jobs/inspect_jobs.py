"""The tool inspect_jobs. Never waits for a job."""

from mp_mcp.jobs import Job, Jobs
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.fetch_params import JobIfAny

COLUMNS = ("job", "tool", "state", "progress", "client", "started_at", "ended_at")


@tool
async def inspect_jobs(jobs: Jobs, job: JobIfAny = None) -> Rows:
    """List the jobs (fetches) of this project, newest first, whoever started them.

    Use it for a job whose id is lost, or to see what others fetch. Not for a job's result: wait_job
    waits and shows it. An interrupted job goes on with the next server.
    Example: job="a1b2c3".
    """
    found = [await jobs.find(job)] if job else await jobs.all()
    hint = None if found else "No jobs yet: fetch_events starts one."
    return Rows.of([*COLUMNS, "arguments", "error"], [_row(one) for one in found], hint=hint)


def _row(job: Job) -> list[object]:
    """A job with the arguments that say something, and why it failed."""
    said = {name: value for name, value in job.arguments.items() if value not in (None, False, [])}
    error = job.error["message"] if job.error else None
    return [*(getattr(job, column) for column in COLUMNS), said, error]
