"""Runs in the environment of mixpanel-headless: makes its calls, one for each line on stdin.

Never imports anything of this project, which is not installed there.
"""

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

headless: Any = importlib.import_module("mixpanel_headless")
testing: Any = importlib.import_module("typer.testing")
main: Any = importlib.import_module("mixpanel_headless.cli.main")

DAYS = {"from_date": "2025-03-22", "to_date": "2025-03-31"}
TEAM = headless.Filter.equals("plan", "team")
BUYERS = [{"window": "30d", "name": "b1", "event_selectors": [{"event": "Purchase"}]}]


def _profiles(ws: Any, **asked: Any) -> list[Any]:
    found = ws.query_user(mode="profiles", **{"limit": None, **asked}).profiles
    return [profile["distinct_id"] for profile in found]


def _feed_by_pages(ws: Any) -> int:
    count, cursor, pages = 0, None, 0
    while pages == 0 or cursor:
        page = ws.activity_feed(["u-1000"], limit=20, sentinel_event=cursor, **DAYS)
        count, cursor, pages = count + len(page.events), page.sentinel_event, pages + 1
    return count


LIBRARY: dict[str, Callable[[Any], Any]] = {
    "me": lambda ws: ws.me().user_email,
    "projects": lambda ws: [project.id for project in ws.projects()],
    "workspaces": lambda ws: [view.id for view in ws.workspaces()],
    "stream_events": lambda ws: sum(1 for _ in ws.stream_events(**DAYS)),
    "stream_events filtered": lambda ws: sum(
        1 for _ in ws.stream_events(events=["Login"], where='properties["plan"] == "team"', **DAYS)
    ),
    "stream_profiles": lambda ws: sum(1 for _ in ws.stream_profiles()),
    "stream_profiles of a cohort": lambda ws: sum(
        1 for _ in ws.stream_profiles(cohort_id="1001504", include_all_users=True)
    ),
    "stream_profiles by behavior": lambda ws: sum(
        1 for _ in ws.stream_profiles(behaviors=BUYERS, where='(behaviors["b1"] > 0)')
    ),
    "stream_profiles of a group": lambda ws: sum(
        1 for _ in ws.stream_profiles(group_id="-1234567890123456789")
    ),
    "query_user count": lambda ws: ws.query_user().value,
    "query_user sequential": lambda ws: len(set(_profiles(ws, limit=1500, sort_by="ltv"))),
    "query_user parallel": lambda ws: len(set(_profiles(ws, parallel=True))),
    "query_user where": lambda ws: len(_profiles(ws, where=TEAM)),
    "query_user cohort": lambda ws: len(_profiles(ws, cohort=1001501)),
    "query_user search": lambda ws: _profiles(ws, search="u-1003@"),
    "query_user extremes": lambda ws: (
        ws.query_user(aggregate="extremes", aggregate_property="ltv").aggregate_data
    ),
    "query_user percentile": lambda ws: (
        ws.query_user(
            aggregate="percentile", aggregate_property="ltv", percentile=90
        ).aggregate_data
    ),
    "query_user numeric_summary": lambda ws: (
        ws.query_user(aggregate="numeric_summary", aggregate_property="ltv").aggregate_data
    ),
    "query_user segments": lambda ws: ws.query_user(segment_by=[1001501, 1001502]).aggregate_data,
    "query": lambda ws: int(ws.query("Login", **DAYS).df["count"].sum()),
    "query_funnel": lambda ws: ws.query_funnel(["Signup", "Purchase"], **DAYS).df["count"].tolist(),
    "query_retention": lambda ws: len(ws.query_retention("Signup", "Login", **DAYS).df),
    "query_flow": lambda ws: len(ws.query_flow("Login", forward=2, **DAYS).steps),
    "list_bookmarks_v2": lambda ws: len(ws.list_bookmarks_v2()),
    "activity_feed by pages": _feed_by_pages,
}


def answer(call: dict[str, Any]) -> dict[str, Any]:
    """The result of one call; a failed one has an error instead."""
    if "library" in call:
        try:
            with headless.Workspace() as workspace:
                return {"result": LIBRARY[call["library"]](workspace)}
        except Exception as error:  # noqa: BLE001 - whatever the foreign code raises
            return {"error": f"{type(error).__name__}: {error}"}
    run = testing.CliRunner().invoke(main.app, call["cli"])
    if run.exit_code:
        return {"error": f"exit {run.exit_code}: {run.output}"}
    try:
        return {"result": json.loads(run.stdout)}
    except ValueError:
        return {"result": run.stdout}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
