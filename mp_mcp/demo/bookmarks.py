"""The saved reports of the demo projects, in the mix that was observed in a real one.

Never changes a report: the list is a function of the project.
"""

import json
from functools import cache
from random import Random
from typing import Any

from mp_mcp.demo.report_params import params_of

MIX = {"insights": 2059, "funnels": 282, "retention": 144, "flows": 74, "launch-analysis": 2}
_WORDS = (
    "MRR",
    "Weekly logins",
    "Käufe 🛒",
    "Signup → Purchase",
    "Churn",
    "Brasil: compras",
    "NPS",
)
_PEOPLE = ("Ana", "Łukasz", "李雷")


@cache
def make_bookmarks(project_id: int) -> tuple[dict[str, Any], ...]:
    """Every saved report of a project, newest first."""
    rng = Random(f"bookmarks/{project_id}")  # noqa: S311
    kinds = [kind for kind, count in MIX.items() for _ in range(count)]
    rng.shuffle(kinds)
    found = [_bookmark(rng, project_id, number, kind) for number, kind in enumerate(kinds)]
    return tuple(sorted(found, key=lambda bookmark: bookmark["modified"], reverse=True))


def find_bookmark(project_id: int, bookmark_id: object) -> dict[str, Any] | None:
    """One saved report of a project, by its id as a number or as digits."""
    return _by_id(project_id).get(str(bookmark_id))


@cache
def _by_id(project_id: int) -> dict[str, dict[str, Any]]:
    return {str(bookmark["id"]): bookmark for bookmark in make_bookmarks(project_id)}


def shown(bookmark: dict[str, Any], *, params_as_text: bool) -> dict[str, Any]:
    """A report as the list shows it; some routes give `params` as the stored text."""
    if params_as_text:
        return {**bookmark, "params": json.dumps(bookmark["params"])}
    return bookmark


def _bookmark(rng: Random, project_id: int, number: int, kind: str) -> dict[str, Any]:
    created = f"2024-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T03:04:05"
    modified = f"2025-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T03:04:{number % 60:02d}"
    person = rng.randrange(len(_PEOPLE))
    editor = rng.randrange(len(_PEOPLE))
    return {
        "id": project_id * 100_000 + number,
        "name": f"{rng.choice(_WORDS)} {number}",
        "type": kind,
        "project_id": project_id,
        "workspace_id": None,
        "dashboard_id": rng.randrange(80, 120),
        "description": "what the board looks at" if number % 5 == 0 else None,
        "icon": None,
        "created": created,
        "modified": modified,
        **_person("creator", person),
        **_person("last_modified_by", editor),
        "params": params_of(kind, number),
        "metadata": {},
        "include_in_dashboard": True,
        "is_default": False,
        "generation_type": "USER_CREATED",
        "original_type": "segmentation3" if kind == "insights" and number % 10 == 0 else None,
        "is_visibility_restricted": False,
        "is_modification_restricted": False,
        "can_view": True,
        "can_share": True,
        "can_update_basic": True,
        "unique_view_count": rng.randrange(10),
        "total_view_count": rng.randrange(10, 100),
    }


def _person(role: str, number: int) -> dict[str, Any]:
    return {
        f"{role}_id": 9 + number,
        f"{role}_name": _PEOPLE[number],
        f"{role}_email": f"person{number}@example.org",
    }
