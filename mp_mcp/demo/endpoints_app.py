"""App endpoints: who am I, and the saved reports.

Never touches events.
"""

from typing import Any

import anyio
from starlette.responses import JSONResponse, Response

from mp_mcp.demo.bookmarks import make_bookmarks, shown
from mp_mcp.demo.endpoints_workspaces import workspace
from mp_mcp.demo.limits import ORGANIZATION_ID
from mp_mcp.demo.wire import Call, WireError, endpoint
from mp_mcp.demo.world import Project

ORGANIZATION = {
    "id": int(ORGANIZATION_ID),
    "name": "Acme",
    "role": "admin",
    "permissions": ["read_data"],
}


@endpoint("app", "/me")
def me(call: Call) -> Response:
    """The account, and what it may see."""
    account = call.account
    if account is None:
        raise WireError(401, "Invalid credentials")
    projects = [call.world.projects[project_id] for project_id in account.project_ids]
    results: dict[str, Any] = {
        "user_id": 9,
        "user_email": f"{account.username}@example.org",
        "user_name": account.username,
        "is_staff": False,
        "date_joined_iso": "2026-01-02T03:04:05",
        "organizations": {str(ORGANIZATION["id"]): ORGANIZATION},
        "projects": {project.id: _project(project) for project in projects},
        "workspaces": {project.workspace_id: workspace(project) for project in projects},
    }
    return JSONResponse({"status": "ok", "results": results})


def _project(project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "organization_id": ORGANIZATION["id"],
        "timezone": str(project.zone),
        "domain": project.domain,
        "type": "PROJECT",
        "has_workspaces": True,
        "role": "analyst",
        "permissions": ["read_data"],
    }


@endpoint("app", "/projects/{project_id}/bookmarks")
@endpoint("app", "/workspaces/{workspace_id}/bookmarks")
async def bookmarks(call: Call) -> Response:
    """Every saved report, without pages; as slow as it is told to be."""
    switches = call.world.switches
    await anyio.sleep(switches.bookmark_delay)
    wanted_type = call.params.get("type")
    ids = {one.strip() for one in str(call.params.get("ids", "")).split(",") if one.strip()}
    found = [
        shown(bookmark, params_as_text=switches.bookmarks_params == "string")
        for bookmark in make_bookmarks(int(call.project.id))
        if wanted_type in (None, "", bookmark["type"]) and (not ids or str(bookmark["id"]) in ids)
    ]
    results: Any = {"results": found} if switches.bookmarks_envelope == "double" else found
    return JSONResponse({"results": results})
