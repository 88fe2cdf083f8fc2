"""`GET query/arb_funnels` on the wire, and its three shapes."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.flows import PATH_COLUMNS, SANKEY_COLUMNS, TREE_COLUMNS, View, flows, flows_of

from .conftest import Script


def place(event: str | None, kind: str, count: Any, **more: Any) -> dict[str, Any]:
    return {"event": event, "type": kind, "totalCount": count, "segments": [], **more}


SANKEY = {
    "computed_at": "2025-01-09T10:00:00",
    "overallConversionRate": 0.31,
    "metadata": {"min_sampling_factor": 1},
    "steps": [
        {
            "nodes": [
                place(
                    "Login",
                    "ANCHOR",
                    "100",
                    edges=[
                        place("Search", "NORMAL", "80", step=1),
                        place(None, "DROPOFF", "20"),
                    ],
                )
            ]
        },
        {"nodes": [place("Search", "NORMAL", "80", edges=[]), place(None, "DROPOFF", "20")]},
    ],
}
PATHS = {
    "flows": [
        {
            "flowSteps": [place("Login", "ANCHOR", "7"), place("Search", "NORMAL", "7")],
            "segments": [],
        },
        {"flowSteps": [place("Login", "ANCHOR", "2.5")]},
    ],
    "overallConversionRate": "NaN",
}


def branch(step: dict[str, Any] | None, *children: dict[str, Any], **counts: str) -> dict[str, Any]:
    return {"step": step, "children": list(children), **counts}


TREE = {
    "trees": [
        {
            "root": branch(
                None,
                branch(
                    place("Login", "ANCHOR", "9", stepNumber=1),
                    branch(place("Search", "NORMAL", "4")),
                    branch(place("Buy", "NORMAL", "3"), totalCount="3"),
                    totalCount="9",
                    dropOffTotalCount="2",
                    convertedTotalCount="7",
                ),
                totalCount="9",
            )
        }
    ]
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("view", "query_type"),
    [("sankey", "flows_sankey"), ("paths", "flows_top_paths"), ("tree", "flows")],
)
async def test_flows_are_asked_by_report_and_view(
    script: Script, view: View, query_type: str
) -> None:
    wire = script(httpx.Response(200, json=SANKEY))
    await flows(Mixpanel(wire.http), 63001, view)
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/arb_funnels"
    assert wire.query == {"project_id": "42", "bookmark_id": "63001", "query_type": query_type}


def test_a_sankey_has_a_row_per_node_and_per_transition() -> None:
    found = flows_of(SANKEY)
    assert found.columns == list(SANKEY_COLUMNS)
    assert found.conversion_rate == 0.31
    assert found.rows == [
        [0, "Login", "ANCHOR", 100, None, None, None],
        [0, "Login", "ANCHOR", 80, 1, "Search", "NORMAL"],
        [0, "Login", "ANCHOR", 20, 1, None, "DROPOFF"],
        [1, "Search", "NORMAL", 80, None, None, None],
        [1, None, "DROPOFF", 20, None, None, None],
    ]


def test_paths_are_numbered_and_no_conversion_is_no_rate() -> None:
    found = flows_of(PATHS)
    assert (found.columns, found.conversion_rate) == (list(PATH_COLUMNS), None)
    assert found.rows == [
        [1, 0, "Login", "ANCHOR", 7],
        [1, 1, "Search", "NORMAL", 7],
        [2, 0, "Login", "ANCHOR", 2.5],
    ]


def test_a_tree_names_the_branch_that_each_branch_grows_from() -> None:
    found = flows_of(TREE)
    assert found.columns == list(TREE_COLUMNS)
    assert found.rows == [
        [1, None, 1, "Login", "ANCHOR", 9, 2, 7],
        [2, 1, 2, "Search", "NORMAL", 4, None, None],
        [3, 1, 2, "Buy", "NORMAL", 3, None, None],
    ]


@pytest.mark.parametrize("answer", [{"steps": []}, {"flows": []}, {"trees": [], "steps": None}])
def test_no_users_are_no_rows(answer: Any) -> None:
    assert flows_of(answer).rows == []


@pytest.mark.parametrize(
    ("answer", "view", "columns"),
    [
        ({"flows": []}, "paths", PATH_COLUMNS),
        ({"trees": [], "steps": None}, "tree", TREE_COLUMNS),
        ({"steps": []}, "tree", SANKEY_COLUMNS),
        ({"steps": [], "flows": [], "trees": []}, "paths", PATH_COLUMNS),
        ({"steps": [], "flows": [], "trees": []}, "tree", TREE_COLUMNS),
        ({"steps": [], **PATHS}, "sankey", PATH_COLUMNS),
    ],
)
def test_an_empty_answer_has_the_columns_of_what_was_asked(
    answer: Any, view: View, columns: tuple[str, ...]
) -> None:
    assert flows_of(answer, view).columns == list(columns)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"steps": [5]},
        {"flows": [{"segments": []}]},
        {"steps": [{"nodes": [place("Login", "ANCHOR", "many")]}]},
    ],
)
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        flows_of(answer)


numbers = st.integers(0, 2**60)
places = st.fixed_dictionaries(
    {"totalCount": numbers | numbers.map(str)},
    optional={
        "event": st.none() | st.text(),
        "type": st.sampled_from(["ANCHOR", "NORMAL", "FORWARD", "REVERSE", "DROPOFF", "PRUNED"]),
        "isComputed": st.booleans(),
        "breakdowns": st.lists(st.text()),
    },
)
nodes = st.builds(
    lambda node, edges: {**node, "edges": edges}, places, st.lists(places, max_size=3)
)
branches: st.SearchStrategy[Any] = st.recursive(
    st.builds(branch, places),
    lambda inner: st.builds(lambda step, below: branch(step, *below), places, st.lists(inner)),
    max_leaves=6,
)


@given(st.lists(st.fixed_dictionaries({"nodes": st.lists(nodes, max_size=3)}), max_size=3))
def test_no_node_or_edge_of_a_sankey_is_lost(steps: list[Any]) -> None:
    found = flows_of({"steps": steps})
    sent = [
        int(one["totalCount"])
        for step in steps
        for node in step["nodes"]
        for one in (node, *node["edges"])
    ]
    assert [row[3] for row in found.rows] == sent
    assert all(len(row) == len(found.columns) for row in found.rows)


@given(branches)
def test_every_branch_is_a_row_below_its_parent(top: Any) -> None:
    rows = flows_of({"trees": [{"root": branch(None, top)}]}).rows
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    waiting, sent = [top], []
    while waiting:
        node = waiting.pop()
        sent.append(int(node["step"]["totalCount"]))
        waiting.extend(node["children"])
    assert sorted(row[5] for row in rows) == sorted(sent)
    depth = {row[0]: row[2] for row in rows}
    assert all(parent is None or depth[parent] == step - 1 for _, parent, step, *_ in rows)
