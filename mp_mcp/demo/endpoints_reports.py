"""Query endpoint of reports, saved or not, and the app endpoint of a single saved report.

Never lists saved reports.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.bookmarks import find_bookmark, shown
from mp_mcp.demo.counted import computed_at
from mp_mcp.demo.report_series import Series, insights_series, key_of_moment
from mp_mcp.demo.report_series_people import funnel_series, retention_series
from mp_mcp.demo.reports import read_report, reading, saved_report
from mp_mcp.demo.wire import Call, WireError, endpoint, scoped_endpoint

MOST_SEGMENTS = 50_000
DEFAULT_SEGMENTS = 3000
SERIES = {"event": insights_series, "funnel": funnel_series, "retention": retention_series}
"""By the type of the first behavior of a report."""


@endpoint("query", "/insights")
@reading
def saved_insights(call: Call) -> Response:
    """A saved report of any type but flows."""
    found = saved_report(call, "insights", "funnels", "retention")
    return _answer(call, found["params"], DEFAULT_SEGMENTS)


@endpoint("query", "/insights", "POST")
@reading
def asked_insights(call: Call) -> Response:
    """A report that is described in the request."""
    params = call.params.get("bookmark")
    if not isinstance(params, dict):
        raise WireError(400, "Missing required parameter: bookmark")
    limits = call.params.get("queryLimits") or {}
    limit = int(limits.get("limit", DEFAULT_SEGMENTS))
    if limit > MOST_SEGMENTS:
        raise WireError(
            400, f"Query limit exceeds max limit of {MOST_SEGMENTS} ({limit} was given)"
        )
    return _answer(call, params, limit)


@scoped_endpoint("/bookmarks/{bookmark_id}")
def one_bookmark(call: Call) -> Response:
    """One saved report."""
    found = find_bookmark(int(call.project.id), call.path["bookmark_id"])
    if found is None:
        raise WireError(404, f"Bookmark not found: {call.path['bookmark_id']}")
    as_text = call.world.switches.bookmarks_params == "string"
    return JSONResponse({"status": "ok", "results": shown(found, params_as_text=as_text)})


def _answer(call: Call, params: Mapping[str, Any], limit: int) -> Response:
    report = read_report(call, params)
    kind = report.show[0].get("behavior", {}).get("type", "event")
    series: Series = SERIES[{"custom-event": "event"}.get(kind, kind)](call, report, limit)
    zone = call.project.zone
    return JSONResponse(
        {
            "computed_at": computed_at(call),
            "date_range": {
                "from_date": key_of_moment(report.first, zone),
                "to_date": key_of_moment(report.last, zone, end=True),
            },
            "headers": [series.header, *(name for name, _ in report.groups)],
            "series": series.tree,
            "meta": {
                "min_sampling_factor": 1.0,
                "is_segmentation_limit_hit": series.limit_hit,
                "sub_query_count": len(report.show),
                "report_sections": {},
            },
        }
    )
