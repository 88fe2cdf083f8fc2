"""The query endpoint of flows, saved or not.

Never computes a way: it gives ways their three shapes, in which all counts are text.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import counted_rows, selection
from mp_mcp.demo.flows import DROPOFF, Anchor, Flow, Stop, Way, pruned, ways
from mp_mcp.demo.funnels import SECONDS
from mp_mcp.demo.report_filters import both, condition_of, flow_condition
from mp_mcp.demo.reports import last_days, reading, saved_report
from mp_mcp.demo.wire import Call, WireError, endpoint

QUERY_TYPES = ("flows_sankey", "flows_top_paths", "flows")
COUNT_TYPES = ("unique", "total")


@endpoint("query", "/arb_funnels")
@reading
def saved_flow(call: Call) -> Response:
    """A saved report of flows."""
    query_type = call.choice("query_type", QUERY_TYPES)
    return _answer(call, query_type, saved_report(call, "flows")["params"])


@endpoint("query", "/arb_funnels", "POST")
@reading
def asked_flow(call: Call) -> Response:
    """A flow that is described in the request."""
    query_type = call.choice("query_type", QUERY_TYPES)
    params = call.params.get("bookmark")
    if not isinstance(params, dict):
        raise WireError(400, "Missing required parameter: bookmark")
    return _answer(call, query_type, params)


def _answer(call: Call, query_type: str, params: Mapping[str, Any]) -> Response:
    flow = _read(call, params)
    margin = timedelta(seconds=flow.window_s, days=1)
    rows = counted_rows(call, flow.first - margin, flow.last + margin, selection(None))
    found = ways(flow, rows)
    converted = sum(way.converted for way in found)
    shape = {"flows_sankey": _sankey, "flows_top_paths": _paths, "flows": _tree}[query_type]
    return JSONResponse(
        {
            "computed_at": f"{call.project.story.today}T12:00:00",
            "overallConversionRate": converted / len(found) if found else "NaN",
            "metadata": {"min_sampling_factor": 1},
            "breakdowns": [],
            **shape(flow, found),
        }
    )


def _read(call: Call, params: Mapping[str, Any]) -> Flow:
    if params.get("count_type", "unique") not in COUNT_TYPES or params.get("segments"):
        raise ValueError("not a flow that can be computed here")
    first, last = _days(call, params["date_range"])
    window = params["conversion_window"]
    asked = params.get("filter_by_event") or {}
    where = condition_of(asked.get("children") or (), asked.get("operator", "and"))
    anchors = []
    for step in params["steps"]:
        filters = step.get("property_filter_params_list") or ()
        own = both(where, flow_condition(filters, step.get("bool_op", "and")))
        event = str(step["event"])
        around = int(step.get("forward", 0)), int(step.get("reverse", 0))
        anchors.append(Anchor(selection([event], own), event, *around))
    if not anchors:
        raise ValueError("a flow has an anchor")
    return Flow(
        first,
        last,
        tuple(anchors),
        int(window["value"]) * SECONDS[window["unit"]],
        int(params.get("cardinality_threshold", 3)),
        every_anchor=params.get("count_type") == "total",
        collapse_repeated=bool(params.get("collapse_repeated")),
        hidden=frozenset(params.get("hidden_events") or ()),
        excluded=frozenset(params.get("exclusions") or ()),
    )


def _days(call: Call, when: Mapping[str, Any]) -> tuple[date, date]:
    if when["type"] == "between":
        return date.fromisoformat(when["from_date"]), date.fromisoformat(when["to_date"])
    window = when["from_date"]
    return last_days(call, str(window["unit"]), int(window["value"]))


def _sankey(flow: Flow, found: Sequence[Way]) -> dict[str, Any]:
    nodes: defaultdict[int, Counter[Stop]] = defaultdict(Counter)
    edges: defaultdict[tuple[int, Stop], Counter[Stop]] = defaultdict(Counter)
    for way in pruned(flow, found):
        levels = list(enumerate(way.stops, way.level))
        for level, stop in levels:
            nodes[level][stop] += 1
        for (level, stop), (_, following) in pairwise(levels):
            edges[level, stop][following] += 1
    steps = [
        {
            "nodes": [
                {
                    **_shown(stop, count),
                    "isCustomEvent": False,
                    "edges": [
                        {**_shown(following, times), "step": level + 1}
                        for following, times in edges[level, stop].most_common()
                    ],
                }
                for stop, count in nodes[level].most_common()
            ]
        }
        for level in range(max(nodes, default=-1) + 1)
    ]
    return {"steps": steps}


def _shown(stop: Stop, count: int) -> dict[str, Any]:
    return {
        "event": stop.event,
        "type": stop.kind,
        "anchorType": "NORMAL",
        "totalCount": str(count),
        "isComputed": False,
        "segments": [],
        "breakdowns": [],
    }


def _paths(flow: Flow, found: Sequence[Way]) -> dict[str, Any]:
    paths = Counter(way.stops for way in found)
    top = sorted(paths, key=lambda stops: (-paths[stops], stops))[: flow.cardinality]
    return {
        "flows": [
            {"flowSteps": [_shown(stop, paths[stops]) for stop in stops], "segments": []}
            for stops in top
        ]
    }


def _tree(flow: Flow, found: Sequence[Way]) -> dict[str, Any]:
    whole = [way.stops for way in pruned(flow, found)]
    return {"trees": [{"root": _branch(None, 0, whole)}] if whole else []}


def _branch(stop: Stop | None, number: int, below: Sequence[tuple[Stop, ...]]) -> dict[str, Any]:
    """A stop and what follows it; the root stands before all stops and is none."""
    parts: defaultdict[Stop, list[tuple[Stop, ...]]] = defaultdict(list)
    for stops in below:
        if stops:
            parts[stops[0]].append(stops[1:])
    dropped = sum(len(part) for following, part in parts.items() if following.kind == DROPOFF)
    branches = sorted(parts.items(), key=lambda item: -len(item[1]))
    return {
        "step": None if stop is None else {**_shown(stop, len(below)), "stepNumber": number},
        "totalCount": str(len(below)),
        "dropOffTotalCount": str(dropped),
        "convertedTotalCount": str(len(below) - dropped),
        "children": [_branch(following, number + 1, part) for following, part in branches],
        "timePercentilesFromStart": None,
        "timePercentilesFromPrev": None,
    }
