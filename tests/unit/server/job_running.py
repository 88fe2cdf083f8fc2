"""A runner of jobs for tests. Never serves by itself: a test that wants jobs to run does that."""

from collections.abc import Mapping

from mp_mcp.server.job_runner import JobRunner
from mp_mcp.server.job_table import JobTable
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.tool import Tool


def runner(workspaces: Workspaces, tools: Mapping[str, Tool] | None = None) -> JobRunner:
    """One that keeps its jobs where these workspaces keep their state."""
    return JobRunner(tools or {}, lambda: JobTable(workspaces.state()))
