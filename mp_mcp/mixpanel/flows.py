"""`GET query/arb_funnels`: the paths of users in a saved flows report.

Never asks for flows that are not saved, and never trusts a number to be one: Mixpanel sends texts.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import NumberIfAny, read, unexpected
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.transport import Params
from mp_mcp.results import Row, Rows

View = Literal["sankey", "paths", "tree"]

_QUERY_TYPES: dict[View, str] = {
    "sankey": "flows_sankey",
    "paths": "flows_top_paths",
    "tree": "flows",
}
SANKEY_COLUMNS = ("step", "event", "type", "count", "to_step", "to_event", "to_type")
PATH_COLUMNS = ("path", "step", "event", "type", "count")
TREE_COLUMNS = ("branch", "parent", "step", "event", "type", "count", "drop_off", "converted")
_WHAT = "flows"


class Flows(Rows):
    """Where users go, step by step."""

    conversion_rate: float | None = Field(
        default=None, description="fraction that goes all the way"
    )


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class _Place(_Wire):
    """An event at a step; the name and type of some are left out."""

    event: str | None = None
    type: str | None = None
    total_count: NumberIfAny = None


class _Edge(_Place):
    step: int | None = None


class _Node(_Place):
    edges: list[_Edge] = Field(default_factory=list)


class _SankeyStep(_Wire):
    nodes: list[_Node] = Field(default_factory=list)


class _TopPath(_Wire):
    flow_steps: list[_Place]


class _TreeStep(_Place):
    step_number: int | None = None


class _Branch(_Wire):
    step: _TreeStep | None = None
    total_count: NumberIfAny = None
    drop_off_total_count: NumberIfAny = None
    converted_total_count: NumberIfAny = None
    children: list["_Branch"] = Field(default_factory=list)


class _Tree(_Wire):
    root: _Branch


class _Answer(_Wire):
    overall_conversion_rate: NumberIfAny = None
    steps: list[_SankeyStep] | None = None
    flows: list[_TopPath] | None = None
    trees: list[_Tree] | None = None


_ANSWER = TypeAdapter(_Answer)


async def flows(mixpanel: Mixpanel, bookmark_id: int, view: View = "sankey") -> Flows:
    """A saved flows report; its range is its own, and usually ends today."""
    params: Params = {"bookmark_id": bookmark_id, "query_type": _QUERY_TYPES[view]}
    answer = await mixpanel.get("query", "/arb_funnels", params, keep_s=freshness.OPEN_RANGE)
    return flows_of(answer, view)


def flows_of(answer: Any, view: View = "sankey") -> Flows:
    """Steps with their edges, whole paths, or the branches of a tree, whichever it holds.

    Where several are there, and all empty, it is the `view` that was asked for.
    """
    found = read(_ANSWER, answer, _WHAT)
    held = {"tree": found.trees, "paths": found.flows, "sankey": found.steps}
    known = sorted(
        (name for name, parts in held.items() if parts is not None),
        key=lambda name: (not held[name], name != view),
    )
    if not known:
        raise unexpected(_WHAT)
    tables: dict[str, tuple[Sequence[str], Iterator[Row]]] = {
        "tree": (TREE_COLUMNS, _branches(found.trees or [])),
        "paths": (PATH_COLUMNS, _paths(found.flows or [])),
        "sankey": (SANKEY_COLUMNS, _nodes(found.steps or [])),
    }
    columns, rows = tables[known[0]]
    return Flows.of(columns, list(rows), conversion_rate=found.overall_conversion_rate)


def _nodes(steps: list[_SankeyStep]) -> Iterator[Row]:
    """A row for each node, then one for each of its edges: how many went on to what."""
    for number, step in enumerate(steps):
        for node in step.nodes:
            here = [number, node.event, node.type]
            yield [*here, node.total_count, None, None, None]
            for edge in node.edges:
                after = number + 1 if edge.step is None else edge.step
                yield [*here, edge.total_count, after, edge.event, edge.type]


def _paths(paths: list[_TopPath]) -> Iterator[Row]:
    for number, path in enumerate(paths, start=1):
        for step, place in enumerate(path.flow_steps):
            yield [number, step, place.event, place.type, place.total_count]


def _branches(trees: list[_Tree]) -> Iterator[Row]:
    """Branches in the order of a walk, numbered; the root that Mixpanel invents is left out."""
    waiting: list[tuple[_Branch, int | None, int]] = [
        (tree.root, None, 0) for tree in reversed(trees)
    ]
    number = 0
    while waiting:
        branch, parent, step = waiting.pop()
        place = branch.step
        if place is not None:
            number += 1
            step = step if place.step_number is None else place.step_number
            count = place.total_count if branch.total_count is None else branch.total_count
            ends = [branch.drop_off_total_count, branch.converted_total_count]
            yield [number, parent, step, place.event, place.type, count, *ends]
        above = (parent, step) if place is None else (number, step + 1)
        waiting.extend((child, *above) for child in reversed(branch.children))
