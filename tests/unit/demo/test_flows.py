"""The simulator's flows: the ways of its own people, in three shapes."""

from collections import Counter
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from mp_mcp.demo.counted import selection
from mp_mcp.demo.flows import Anchor, Flow, ways
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask
from tests.unit.demo.story_rows import DAYS, by_user, counted, made_rows, saved

FORWARD = saved("flows", "Login")
AROUND = saved("flows", "'reverse': 2")
TWO_ANCHORS = saved("flows", "Signup")
WINDOW_MS = 7 * 86_400_000
TYPES = ("flows_sankey", "flows_top_paths", "flows")


def _flow(query: Ask, bookmark: dict[str, Any], query_type: str = "flows_sankey") -> dict[str, Any]:
    found: dict[str, Any] = query(
        "arb_funnels", bookmark_id=bookmark["id"], query_type=query_type
    ).json()
    return found


def _params(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "date_range": {"type": "between", **DAYS},
        "conversion_window": {"unit": "day", "value": 7},
        "steps": list(steps),
        **more,
    }


def _step(event: str, forward: int = 1, **more: Any) -> dict[str, Any]:
    return {"event": event, "forward": forward, "reverse": 0, **more}


def _post(ask: Ask, params: dict[str, Any], query_type: str = "flows_sankey") -> Any:
    body = {"project_id": 1001, "query_type": query_type, "bookmark": params}
    return ask("POST", "/api/query/arb_funnels", json=body)


def _next_events(world: World, anchor: str, forward: int) -> list[list[str]]:
    """What each person does after their first event of a kind."""
    paths = []
    for history in by_user(counted(world)).values():
        start = next((n for n, event in enumerate(history) if event.name == anchor), None)
        if start is not None:
            until = history[start].properties["time"] + WINDOW_MS
            later = [e.name for e in history[start + 1 :] if e.properties["time"] <= until]
            paths.append(later[:forward])
    return paths


def _nodes(step: dict[str, Any]) -> dict[str, int]:
    return {node["event"]: int(node["totalCount"]) for node in step["nodes"]}


def _made(story: str, *anchors: tuple[str, int, int], **options: Any) -> list[str]:
    """Ways of made rows as text, with the step at which they begin and whether they converted."""
    flow = Flow(
        date(2025, 3, 20),
        date(2025, 3, 20),
        tuple(Anchor(selection([name]), name, *around) for name, *around in anchors),
        24 * 3600,
        9,
        **options,
    )
    return [
        f"{way.level}{'+' if way.converted else '-'} " + " ".join(stop.event for stop in way.stops)
        for way in ways(flow, made_rows(story))
    ]


@pytest.mark.parametrize(
    ("story", "anchors", "options", "expected"),
    [
        ("u:A@1 u:B@2 u:C@3", [("A", 2, 0)], {}, ["0+ A B C"]),
        # Whoever does less than is shown has dropped off; so has who comes too late.
        ("u:A@1 u:B@2", [("A", 2, 0)], {}, ["0- A B DROPOFF"]),
        ("u:A@1 u:B@26", [("A", 1, 0)], {}, ["0- A DROPOFF"]),
        # The first anchors of all people are in one column.
        ("u:X@1 u:A@2 v:X@1 v:Y@2 v:A@3", [("A", 0, 2)], {}, ["1+ X A", "0+ X Y A"]),
        ("u:A@1 u:A@2 u:B@3", [("A", 1, 0)], {}, ["0+ A A"]),
        ("u:A@1 u:A@2 u:B@3", [("A", 1, 0)], {"every_anchor": True}, ["0+ A A", "0+ A B"]),
        ("u:A@1 u:A@2 u:B@3", [("A", 1, 0)], {"collapse_repeated": True}, ["0+ A B"]),
        ("u:A@1 u:H@2 u:B@3", [("A", 1, 0)], {"hidden": frozenset("H")}, ["0+ A B"]),
        ("u:A@1 u:H@2 u:B@3", [("A", 2, 0)], {"excluded": frozenset("H")}, []),
        # Between anchors only so many are shown.
        ("u:A@1 u:X@2 u:Y@3 u:B@4 u:Z@5", [("A", 1, 0), ("B", 1, 0)], {}, ["0+ A X B Z"]),
        ("u:A@1 u:X@2 u:Y@3", [("A", 1, 0), ("B", 1, 0)], {}, ["0- A X DROPOFF"]),
        ("u:A@1 u:B@2", [("A", 1, 0), ("B", 1, 0)], {}, ["0+ A B DROPOFF"]),
        # The anchor must lie within the days.
        ("u:A@25 u:B@26", [("A", 1, 0)], {}, []),
    ],
)
def test_ways_go_from_anchor_to_anchor(
    story: str, anchors: list[tuple[str, int, int]], options: dict[str, Any], expected: list[str]
) -> None:
    assert _made(story, *anchors, **options) == expected


def test_a_sankey_counts_what_people_do_next(query: Ask, world: World) -> None:
    answer = _flow(query, FORWARD)
    assert set(answer) == {
        "computed_at",
        "overallConversionRate",
        "metadata",
        "breakdowns",
        "steps",
    }
    paths = _next_events(world, "Login", 3)
    (anchor,) = answer["steps"][0]["nodes"]
    assert (anchor["event"], anchor["type"]) == ("Login", "ANCHOR")
    assert anchor["totalCount"] == str(len(paths))
    for number in range(3):
        expected = Counter(path[number] for path in paths if len(path) > number)
        found = _nodes(answer["steps"][number + 1])
        pruned = found.pop("PRUNED", 0)
        assert found.pop("DROPOFF", 0) == sum(len(path) == number for path in paths)
        assert len(found) == 3
        assert found == {name: expected[name] for name in found}
        assert min(found.values()) >= max(expected[name] for name in set(expected) - set(found))
        assert pruned == expected.total() - sum(found.values())
    whole = sum(len(path) == 3 for path in paths)
    assert answer["overallConversionRate"] == pytest.approx(whole / len(paths))


def test_edges_lead_to_all_nodes_of_the_next_step(query: Ask) -> None:
    for bookmark in (FORWARD, AROUND, TWO_ANCHORS):
        steps = _flow(query, bookmark)["steps"]
        for number, (step, following) in enumerate(pairwise(steps)):
            edges = [edge for node in step["nodes"] for edge in node["edges"]]
            assert {edge["step"] for edge in edges} == {number + 1}
            reached: Counter[str] = Counter()
            for edge in edges:
                reached[edge["event"]] += int(edge["totalCount"])
            for event, count in _nodes(following).items():
                # Ways that have fewer events before the anchor begin later.
                assert reached[event] <= count
                assert reached[event] == count or bookmark is AROUND


def test_events_before_the_anchor_are_in_the_steps_before_it(query: Ask) -> None:
    steps = _flow(query, AROUND)["steps"]
    assert len(steps) == 4
    assert {node["type"] for node in steps[0]["nodes"]} <= {"REVERSE", "PRUNED"}
    (anchor,) = steps[2]["nodes"]
    assert (anchor["event"], anchor["type"]) == ("Purchase", "ANCHOR")


def test_top_paths_are_the_most_common_ways(query: Ask, world: World) -> None:
    answer = _flow(query, FORWARD, "flows_top_paths")
    counts: Counter[tuple[str, ...]] = Counter()
    for path in _next_events(world, "Login", 3):
        counts["Login", *path, *(["DROPOFF"] if len(path) < 3 else [])] += 1
    found = [tuple(step["event"] for step in flow["flowSteps"]) for flow in answer["flows"]]
    assert len(found) == 3
    for way, flow in zip(found, answer["flows"], strict=True):
        assert {step["totalCount"] for step in flow["flowSteps"]} == {str(counts[way])}
    assert [counts[way] for way in found] == [count for _, count in counts.most_common(3)]


def test_a_tree_branches_from_a_virtual_root(query: Ask) -> None:
    (tree,) = _flow(query, FORWARD, "flows")["trees"]
    sankey = _flow(query, FORWARD)["steps"]
    assert tree["root"]["step"] is None
    (anchor,) = tree["root"]["children"]
    assert (anchor["step"]["event"], anchor["step"]["stepNumber"]) == ("Login", 1)
    assert anchor["totalCount"] == tree["root"]["totalCount"]
    assert {
        child["step"]["event"]: int(child["totalCount"]) for child in anchor["children"]
    } == _nodes(sankey[1])

    def check(node: dict[str, Any]) -> None:
        children = node["children"]
        if children:
            assert sum(int(child["totalCount"]) for child in children) <= int(node["totalCount"])
        dropped = [c for c in children if c["step"]["type"] == "DROPOFF"]
        assert int(node["dropOffTotalCount"]) == sum(int(c["totalCount"]) for c in dropped)
        assert int(node["convertedTotalCount"]) + int(node["dropOffTotalCount"]) == int(
            node["totalCount"]
        )
        for child in children:
            check(child)

    check(tree["root"])


def test_conversion_of_two_anchors_is_that_of_the_people_who_reach_the_second(
    query: Ask, world: World
) -> None:
    answer = _flow(query, TWO_ANCHORS)
    signed = reached = 0
    for history in by_user(counted(world)).values():
        start = next((e.properties["time"] for e in history if e.name == "Signup"), None)
        if start is not None:
            signed += 1
            times = [e.properties["time"] for e in history if e.name == "Purchase"]
            reached += any(start < at <= start + WINDOW_MS for at in times)
    assert answer["overallConversionRate"] == pytest.approx(reached / signed)


@pytest.mark.parametrize("query_type", TYPES)
def test_an_asked_flow_is_computed_like_a_saved_one(ask: Ask, query: Ask, query_type: str) -> None:
    for bookmark in (FORWARD, AROUND, TWO_ANCHORS):
        answer = _post(ask, bookmark["params"], query_type).json()
        assert answer == _flow(query, bookmark, query_type)


@pytest.mark.parametrize("query_type", TYPES)
def test_a_flow_of_nobody_has_no_rate(ask: Ask, query_type: str) -> None:
    answer = _post(ask, _params(_step("Nope")), query_type).json()
    assert answer["overallConversionRate"] == "NaN"
    assert [answer.get(kind, []) for kind in ("steps", "flows", "trees")] == [[], [], []]


@pytest.mark.parametrize(
    ("step_filter", "passes"),
    [
        (
            {"type": "string", "name": "plan", "filter": {"operator": "==", "operand": ["free"]}},
            lambda p: p["plan"] == "free",
        ),
        (
            {"type": "number", "name": "seats", "filter": {"operator": ">", "operand": "1"}},
            lambda p: p["seats"] > 1,
        ),
        ({"type": "boolean", "name": "trial", "filter": {"operand": "true"}}, lambda p: p["trial"]),
    ],
)
def test_steps_of_an_asked_flow_can_be_filtered(
    ask: Ask, world: World, step_filter: dict[str, Any], passes: Any
) -> None:
    clause = {
        "property": {"name": step_filter["name"], "source": "properties"},
        "type": step_filter["type"],
        "filter": step_filter["filter"],
    }
    step = _step("Login", property_filter_params_list=[clause])
    answer = _post(ask, _params(step)).json()
    people = {
        user
        for user, history in by_user(counted(world, "Login")).items()
        if any(passes(event.properties) for event in history)
    }
    assert answer["steps"][0]["nodes"][0]["totalCount"] == str(len(people))


def test_a_whole_flow_can_be_filtered_and_count_every_anchor(ask: Ask, world: World) -> None:
    clause = {"propertyName": "plan", "filterOperator": "equals", "filterValue": ["free"]}
    wanted = {"operator": "and", "children": [clause]}
    params = _params(_step("Login"), filter_by_event=wanted, count_type="total")
    answer = _post(ask, params).json()
    rows = [e for e in counted(world, "Login") if e.properties["plan"] == "free"]
    assert answer["steps"][0]["nodes"][0]["totalCount"] == str(len(rows))


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"bookmark_id": FORWARD["id"]}, 400),
        ({"bookmark_id": FORWARD["id"], "query_type": "pie"}, 400),
        ({"bookmark_id": saved("insights")["id"], "query_type": "flows"}, 400),
        ({"bookmark_id": 5, "query_type": "flows"}, 404),
        ({"query_type": "flows"}, 400),
    ],
)
def test_saved_flows_refuse_what_they_cannot_read(
    query: Ask, params: dict[str, Any], status: int
) -> None:
    answer = query("arb_funnels", **params)
    assert answer.status_code == status
    assert set(answer.json()) == {"request", "error"}


@pytest.mark.parametrize(
    ("params", "status"),
    [(None, 400), ({}, 500), (_params(), 500), (_params(_step("Login"), count_type="x"), 500)],
)
def test_asked_flows_refuse_what_they_cannot_read(ask: Ask, params: Any, status: int) -> None:
    assert _post(ask, params).status_code == status
