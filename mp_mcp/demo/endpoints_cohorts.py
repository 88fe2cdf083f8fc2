"""The saved cohorts, as the query API and as the app API list them.

Never changes a cohort.
"""

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.cohorts import COHORTS, Cohort, app_entry, find_cohort, query_entry
from mp_mcp.demo.wire import Call, WireError, endpoint, scoped_endpoint


@endpoint("query", "/cohorts/list", "GET", "POST")
def list_cohorts(call: Call) -> Response:
    """Every cohort with the number of its members, as a bare array."""
    project_id = call.project.id
    return JSONResponse([query_entry(one, project_id, _count(call, one)) for one in COHORTS])


@scoped_endpoint("/cohorts")
def cohorts(call: Call) -> Response:
    """Every cohort, or those of the comma-separated `ids` or of a `data_group_id`."""
    project_id = call.project.id
    ids = {one.strip() for one in str(call.params.get("ids", "")).split(",") if one.strip()}
    group = str(call.params.get("data_group_id", ""))
    results = [
        app_entry(one, project_id, _count(call, one))
        for one in COHORTS
        if (not ids or str(one.id_in(project_id)) in ids) and group in ("", str(one.data_group_id))
    ]
    return JSONResponse({"status": "ok", "results": results})


@scoped_endpoint("/cohorts/{cohort_id:int}")
def cohort(call: Call) -> Response:
    """One cohort."""
    found = find_cohort(call.project.id, call.path["cohort_id"])
    if found is None:
        raise WireError(404, f"Cohort not found: {call.path['cohort_id']}")
    entry = app_entry(found, call.project.id, _count(call, found))
    return JSONResponse({"status": "ok", "results": entry})


def _count(call: Call, one: Cohort) -> int:
    return len(call.project.members(one))
