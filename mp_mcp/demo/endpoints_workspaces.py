"""App endpoints about data views, which are called workspaces.

Never filters anything: the only view of a demo project shows all of its data.
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.wire import Call, WireError, endpoint
from mp_mcp.demo.world import Project


@endpoint("app", "/projects/{project_id}/workspaces/public")
def public_workspaces(call: Call) -> Response:
    """The data views of a project."""
    return JSONResponse({"status": "ok", "results": [workspace(call.project)]})


@endpoint("app", "/projects/metadata/index")
def metadata_index(call: Call) -> Response:
    """The projects of the account with their data views, by id."""
    if call.account is None:
        raise WireError(401, "Invalid credentials")
    projects = [call.world.projects[project_id] for project_id in call.account.project_ids]
    results = {
        project.id: {
            "id": int(project.id),
            "name": project.name,
            "workspaces": {project.workspace_id: workspace(project)},
        }
        for project in projects
    }
    return JSONResponse({"status": "ok", "results": results})


def workspace(project: Project) -> dict[str, Any]:
    """The view of everything in a project."""
    return {
        "id": int(project.workspace_id),
        "name": "All Project Data",
        "project_id": int(project.id),
        "is_default": True,
        "is_global": True,
        "is_restricted": False,
        "is_visible": True,
        "description": None,
        "created_iso": "2024-11-02T10:00:00",
        "creator_name": "Ana",
    }
