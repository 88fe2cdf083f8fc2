"""What a parsed statement would read: a walk over duckdb's own parse tree.

Never lets pass what it does not know: a node of a type that is not listed is refused.
"""

import difflib
import re

from mp_mcp.errors import NotReadOnlyError, QueryError
from mp_mcp.store import guard_names
from mp_mcp.store.parser import Node

TablePath = tuple[str, ...]

MAX_NAME_PARTS = 32
"""duckdb needs a minute to bind a name of 20,000 parts, and cannot be interrupted in it."""

_NODES = frozenset(
    # Whole queries; those that change rows inside a WITH clause are of other types.
    ["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"]
)
_NODES |= {"BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "EXPRESSION_LIST", "EMPTY"}
_NODES |= {"PIVOT", "SHOW_REF", "ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"}
_NODES |= {"DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING"}
# duckdb takes a name with such a character for a file when no table has it.
_LIKE_A_FILE = re.compile(r"[./\\:*?\[\]]")


def is_like_a_file(name: str) -> bool:
    """Whether duckdb might look for a file of that name."""
    return bool(_LIKE_A_FILE.search(name))


class Reading:
    """The tables that a statement names, and the names that it defines itself (WITH)."""

    def __init__(self, tree: Node) -> None:
        self.tables: set[TablePath] = set()
        self.local_names: set[TablePath] = set()
        self.parameters: set[str] = set()
        # A list, not recursion: a statement can be nested deeper than Python's stack.
        pending: list[object] = [tree]
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending.extend(value)
            elif isinstance(value, dict):
                pending.extend(self._visit(value))

    def _visit(self, node: Node) -> list[object]:
        """Judge one node; returns what is left to judge below it."""
        if "class" in node:
            self._visit_expression(node)
        elif isinstance(node.get("type"), str):
            kind = str(node["type"])
            if kind == "TABLE_FUNCTION":
                function: Node = node["function"]
                _check_function(function, guard_names.TABLE_FUNCTIONS)
                return [function["arguments"]]
            self._visit_node(kind, node)
        elif "map" in node:
            self._define(node["map"])
        return list(node.values())

    def _visit_expression(self, node: Node) -> None:
        if node["class"] == "FUNCTION":
            if node.get("export_state"):
                raise NotReadOnlyError(
                    "EXPORT_STATE is not available here.", hint="Select the result itself."
                )
            _check_function(node, guard_names.functions())
        if node["class"] == "PARAMETER":
            self.parameters.add(str(node["identifier"]))
        parts = node.get("column_names")
        if isinstance(parts, list) and len(parts) > MAX_NAME_PARTS:
            raise QueryError(f"A name has {len(parts)} parts.", hint="Name a column, or a.b.c.")

    def _visit_node(self, kind: str, node: Node) -> None:
        if kind.endswith("_TYPE_INFO"):
            return
        if kind not in _NODES:
            raise NotReadOnlyError(
                f"SQL only reads here: {kind.replace('_', ' ').lower()} is not available.",
                hint="fetch_events and mp load add rows; SQL selects from them.",
            )
        if kind == "BASE_TABLE":
            self.tables.add(_path(node))
        elif kind == "SHOW_REF" and node.get("query") is None:
            self._show(node)

    def _show(self, node: Node) -> None:
        path = _path(node)
        if node.get("show_type") != "SHOW_SPECIAL":
            self.tables.add(path)
        elif path[-1].strip('"') not in guard_names.SHOW:
            raise NotReadOnlyError(
                f"SHOW {path[-1]} is not available here.", hint="Use SHOW TABLES or DESCRIBE table."
            )

    def _define(self, entries: list[Node]) -> None:
        for entry in entries:
            name = entry.get("key")
            if not isinstance(name, str):
                continue
            if is_like_a_file(name):
                # Where it is out of scope, duckdb would look for the file.
                raise QueryError(f"WITH cannot define {name!r}.", hint="Use a plain name.")
            self.local_names.add((name.lower(),))


def _path(node: Node) -> TablePath:
    return tuple(part.lower() for part in node["qualified_name"]["path"])


def _check_function(function: Node, allowed: frozenset[str]) -> None:
    path = _path(function)
    if path[-1] in allowed and guard_names.QUALIFIERS.issuperset(path[:-1]):
        return
    name = ".".join(path)
    if path[-1] in guard_names.built_in():
        raise NotReadOnlyError(
            f"The function {name} is not available here.",
            hint="SQL reads tables only: no files, settings or other programs. "
            "mp load brings a file in.",
        )
    raise QueryError(
        f"There is no function {name}.",
        hint=_close_functions(path[-1], allowed),
    )


def _close_functions(name: str, allowed: frozenset[str]) -> str:
    close = difflib.get_close_matches(name, allowed, 3, 0.6)
    return f"Close: {', '.join(close)}." if close else "See DuckDB's functions."
