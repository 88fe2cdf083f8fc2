"""How to read one page of a query so that pages of repeated calls fit together.

Never changes what a query means: order and LIMIT are written after its text, and only where
duckdb's parser says that nothing else changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mp_mcp.store.parser import Node, nodes, tree_of

MAX_TIE_BREAKERS = 32


@dataclass(frozen=True)
class Paging:
    """`text` takes a LIMIT. When it `is_exact`, pages never overlap and miss nothing."""

    text: str
    is_exact: bool

    def page(self, limit: int, offset: int) -> str:
        """SQL for `limit` rows after the first `offset`."""
        return f"{self.text}\nLIMIT {limit} OFFSET {offset}"


def probe(sql: str) -> str:
    """The query with a LIMIT: its tree tells whether it takes one."""
    return Paging(sql, is_exact=False).page(7, 8)


def paging_of(sql: str, tree: Node, probed: Node | None) -> Paging | None:
    """How to page through a query; None when it has a LIMIT of its own, or takes none.

    `probed` is the tree of its probe.
    """
    modifiers = _types(tree["modifiers"])
    source = tree.get("from_table") or {}
    if source.get("type") == "SHOW_REF" or any("LIMIT" in kind for kind in modifiers):
        return None
    for order, is_exact in _orders(tree, is_ordered="ORDER_MODIFIER" in modifiers):
        paged = tree_of(probe(sql + order)) if order else probed
        if paged is not None and _means_the_same(paged, tree):
            return Paging(sql + order, is_exact)
    return None


def _orders(tree: Node, *, is_ordered: bool) -> Iterator[tuple[str, bool]]:
    """What to write behind the query, best first.

    A plain scan keeps the order of its table. Groups, joins and rows of equal rank come in another
    order in every call, unless all their columns decide.
    """
    width = _width(tree)
    if is_ordered:
        if 0 < width <= MAX_TIE_BREAKERS:
            yield "\n, " + ", ".join(str(number + 1) for number in range(width)), True
    elif not _loses_order(tree):
        yield "", True
    elif width or "JOIN" not in _types_below(tree):
        # Sorting every column of a wide join would make a quick look slow.
        yield "\nORDER BY ALL", True
    yield "", False


def _width(tree: Node) -> int:
    """Number of columns when the statement spells them out, else 0."""
    columns = tree.get("select_list", ())
    return len(columns) if all(column["class"] != "STAR" for column in columns) else 0


def _loses_order(tree: Node) -> bool:
    return any(
        node.get("group_expressions")
        or node.get("aggregate_handling") == "FORCE_AGGREGATES"
        or node.get("class") == "WINDOW"
        or node.get("type") in ("JOIN", "PIVOT", "DISTINCT_MODIFIER", "RECURSIVE_CTE_NODE")
        or (node.get("type") == "SET_OPERATION_NODE" and not node.get("setop_all"))
        for node in nodes(tree)
    )


def _types_below(tree: Node) -> set[object]:
    return {node["type"] for node in nodes(tree) if isinstance(node.get("type"), str)}


def _types(modifiers: list[Node]) -> list[str]:
    return [modifier["type"] for modifier in modifiers]


def _means_the_same(paged: Node, tree: Node) -> bool:
    added = set(_types(paged["modifiers"])) - set(_types(tree["modifiers"]))
    is_same = {**paged, "modifiers": ()} == {**tree, "modifiers": ()}
    return is_same and added <= {"ORDER_MODIFIER", "LIMIT_MODIFIER"}
