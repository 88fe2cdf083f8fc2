"""The tool cancel_job. Never undoes what a job has loaded."""

from mp_mcp.jobs import Job, JobControl
from mp_mcp.tool import tool
from mp_mcp.tools.fetch_params import JobId


@tool(destructive=True)
async def cancel_job(jobs: JobControl, job: JobId) -> Job:
    """Stop a job cleanly: what it has loaded stays, and the same fetch later gets the rest.

    Use it for a fetch that is not wanted any more. Not for a query_sql: that ends by itself.
    Example: job="a1b2c3".
    """
    return await jobs.cancel(job)
