"""The `/_sim/` paths: how a test in another process orders faults and sees what was asked.

Never is part of the simulated service: no credentials, no limits, no log.
"""

from dataclasses import fields
from datetime import date
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mp_mcp.demo.faults import read_fault
from mp_mcp.demo.limits import Quota
from mp_mcp.demo.truth import truth_of
from mp_mcp.demo.world import Project, World


async def control(world: World, request: Request, name: str) -> Response:
    """Answer one control request; a wrong one is a 400 that says what is wrong."""
    action = _ACTIONS.get((request.method, name))
    if action is None:
        known = sorted(f"{method} /_sim/{path}" for method, path in _ACTIONS)
        return JSONResponse({"error": f"there are: {', '.join(known)}"}, 404)
    try:
        body: dict[str, Any] = await request.json() if await request.body() else {}
        return JSONResponse(
            await run_in_threadpool(action, world, {**request.query_params, **body})
        )
    except (KeyError, TypeError, ValueError) as error:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)


def _add_fault(world: World, order: dict[str, Any]) -> object:
    world.faults.append(read_fault(order))
    return {"waiting": len(world.faults)}


def _faults(world: World, _order: dict[str, Any]) -> object:
    told = [{**vars(fault)} for fault in world.faults]
    for fault in told:
        del fault["taken_back"]
    return {"faults": told}


def _clear_faults(world: World, _order: dict[str, Any]) -> object:
    for fault in world.faults:
        fault.taken_back.set()
    world.faults.clear()
    return {}


def _requests(world: World, order: dict[str, Any]) -> object:
    prefix = order.get("path", "")
    return {"requests": [entry for entry in world.log if entry["path"].startswith(prefix)]}


def _clear_requests(world: World, _order: dict[str, Any]) -> object:
    world.log.clear()
    return {}


def _late(world: World, _order: dict[str, Any]) -> object:
    world.switches.late = True
    return vars(world.switches)


def _turn(world: World, order: dict[str, Any]) -> object:
    world.switches.turn(order)
    return vars(world.switches)


def _clock(world: World, order: dict[str, Any]) -> object:
    world.clock.offset += float(order["advance"])
    return {"offset": world.clock.offset}


def _limits(world: World, _order: dict[str, Any]) -> object:
    return world.limits.used()


def _set_limits(world: World, order: dict[str, Any]) -> object:
    known = {one.name for one in fields(Quota)}
    for api, changes in order.items():
        if set(changes) - known:
            raise ValueError(f"a quota has {sorted(known)}")
        vars(world.limits.quotas[api]).update(changes)
    return {api: vars(quota) for api, quota in world.limits.quotas.items()}


def _spend(world: World, order: dict[str, Any]) -> object:
    api = str(order["api"])
    if api not in world.limits.quotas:
        raise ValueError(f"there are quotas of {sorted(world.limits.quotas)}")
    ago = float(order.get("ago", 0))
    world.limits.spend(api, _project(world, order).id, int(order["count"]), ago)
    return world.limits.used()


def _project(world: World, order: dict[str, Any]) -> Project:
    return world.projects[str(order.get("project_id", "1001"))]


def _story(world: World, order: dict[str, Any]) -> object:
    story = _project(world, order).story
    days = {"first_day": story.first_day, "last_day": story.last_day, "empty_day": story.empty_day}
    return {name: day and str(day) for name, day in days.items()} | {"today": str(story.today)}


def _truth(world: World, order: dict[str, Any]) -> object:
    project = _project(world, order)
    story = project.story
    return truth_of(
        project.history,
        date.fromisoformat(order.get("from_date", str(story.first_day))),
        date.fromisoformat(order.get("to_date", str(story.last_day))),
        late=world.switches.late,
        event=order.get("event"),
        prop=order.get("property"),
    ).as_dict()


def _profiles(world: World, order: dict[str, Any]) -> object:
    found = _project(world, order).profiles
    return {
        "profiles": {str(one.distinct_id): one.properties for one in found if one.distinct_id != ""}
    }


def _edit_profiles(world: World, order: dict[str, Any]) -> object:
    _project(world, order).edit_profiles(order["profiles"])
    return {}


_ACTIONS = {
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("POST", "late"): _late,
    ("POST", "switches"): _turn,
    ("POST", "clock"): _clock,
    ("GET", "limits"): _limits,
    ("POST", "limits"): _set_limits,
    ("POST", "limits/spend"): _spend,
    ("GET", "story"): _story,
    ("GET", "truth"): _truth,
    ("GET", "profiles"): _profiles,
    ("POST", "profiles"): _edit_profiles,
}
