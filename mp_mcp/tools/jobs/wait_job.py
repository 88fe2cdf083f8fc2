"""The tool wait_job. Never holds its caller for longer than hosts allow."""

from mp_mcp.error_codes import error_of
from mp_mcp.errors import JobCancelledError
from mp_mcp.jobs import WAIT_S, Job, Jobs
from mp_mcp.progress import Progress
from mp_mcp.tool import tool
from mp_mcp.tools.fetch_params import JobId, WaitTimeout


@tool(essential=True)
async def wait_job(
    jobs: Jobs,
    progress: Progress,
    job: JobId,
    *,
    timeout: WaitTimeout = WAIT_S,  # noqa: ASYNC109 - the contract's name
) -> Job:
    """Wait until a job has ended, up to 30 seconds, and show its result or how far it is.

    Use it after a fetch that answered state "running", and again while it is. Not for a list of
    jobs: use inspect_jobs. A failed job answers with its error.
    Example: job="a1b2c3".
    """
    found = await jobs.wait(job, min(timeout, WAIT_S), progress)
    if found.state == "failed":
        raise error_of(found.error or {})
    if found.state == "cancelled":
        raise JobCancelledError(f"The job {job} was stopped.", hint=found.hint)
    return found
