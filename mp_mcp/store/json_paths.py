"""`properties->>'$browser'`: the natural way to write a property, which duckdb reads as a path.

Never touches SQL that duckdb understands: it is used only after duckdb refused the path.
"""

from collections.abc import Iterator

from mp_mcp.store.exact import pointer
from mp_mcp.store.parser import Node, nodes, tree_of

REFUSED = "JSON path error"
"""In duckdb's message when it cannot read a path."""

_PATH = frozenset(".[*")
"""What a path goes on with after its $; a name with one of them may be meant as a path."""


def as_pointers(sql: str) -> tuple[str, list[str]]:
    """The SQL with `'$name'` as the key of that name, and these names. Empty: nothing to change."""
    tree = tree_of(sql)
    raw = sql.encode()
    found = {} if tree is None else {at: (size, key) for at, size, key in _misread(tree, raw)}
    # From the end, so that the places before stay where they are.
    for at in sorted(found, reverse=True):
        size, key = found[at]
        raw = raw[:at] + pointer(key).encode() + raw[at + size :]
    return raw.decode(), sorted({key for _, key in found.values()})


def _misread(tree: Node, raw: bytes) -> Iterator[tuple[int, int, str]]:
    """Place, size and text of constants that are no path, where functions of JSON take one."""
    for node in nodes(tree):
        yield from _constants(_paths(node), raw)


def _paths(node: Node) -> list[Node]:
    """Where this node takes a path."""
    if node.get("class") == "LAMBDA" and node.get("syntax_type") == "SINGLE_ARROW":
        return [node["expr"]]  # so the parser reads `properties -> 'name'`
    name = str(node.get("function_name", "")).lower()
    if node.get("class") == "FUNCTION" and (name == "->>" or name.startswith("json_")):
        return [argument["expression"] for argument in node["arguments"][1:]]
    return []


def _constants(places: list[Node], raw: bytes) -> Iterator[tuple[int, int, str]]:
    for found in places:
        literal = found.get("literal") or {}
        key = str(literal.get("text", ""))
        if literal.get("kind") != "STRING" or not key.startswith("$") or _PATH & set(key):
            continue
        at, size = found["query_location"], found["query_location_length"]
        # As it is written: other spellings of a text (E'..', $$..$$) stay as they are.
        if len(key) > 1 and raw[at : at + size] == f"'{key}'".encode():
            yield at, size, key
