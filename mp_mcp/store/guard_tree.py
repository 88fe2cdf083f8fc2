"""What a parsed statement would read: a walk over duckdb's own parse tree.

Never lets pass what it does not know: a node of a type that is not listed is refused.
"""

import json
import re

from mp_mcp.errors import NotReadOnlyError, QueryError
from mp_mcp.store import guard_names
from mp_mcp.store.parser import Node
from mp_mcp.wording import closest

TablePath = tuple[str, ...]

MAX_NAME_PARTS = 32
"""duckdb needs a minute to bind a name of 20,000 parts, and cannot be interrupted in it."""

MAX_SHAPE_NESTING = 50

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


_BRACKET = re.compile(r"[()\[\]{}]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
# With one of these in the text, a quote is not always the beginning or the end of a string.
_QUOTES_OTHERWISE = re.compile(r"[\\$]|--|/\*")


def nesting(sql: str) -> int:
    """How deep brackets are open at once. Where quotes are not plain, those in strings count."""
    if not _QUOTES_OTHERWISE.search(sql):
        sql = _QUOTED.sub("", sql)
    depth = deepest = 0
    for bracket in _BRACKET.findall(sql):
        depth = depth + 1 if bracket in "([{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


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
            if _path(node)[-1] in guard_names.SHAPED_FUNCTIONS:
                _check_shape(node)
        if node["class"] == "TYPE" and _path(node)[-1] == "variant":
            raise NotReadOnlyError(
                "Values cannot be cast to VARIANT here.",
                hint="Keep them as JSON, or cast to STRUCT.",
            )
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
            hint=guard_names.FUNCTION_HINTS.get(path[-1], guard_names.REACHES_OUT),
        )
    raise QueryError(
        f"There is no function {name}.",
        hint=_close_functions(path[-1], allowed),
    )


def _check_shape(function: Node) -> None:
    """duckdb follows the structure that from_json is given to any depth, and off its stack."""
    arguments = function["arguments"]
    literal = arguments[1]["expression"].get("literal") if len(arguments) > 1 else None
    text = literal.get("text") if isinstance(literal, dict) else None
    if not isinstance(text, str) or nesting(text) > MAX_SHAPE_NESTING or _has_variant(text):
        raise NotReadOnlyError(
            f"{_path(function)[-1]} takes its structure as plain text here, and no VARIANT.",
            hint='Write it out: from_json(properties, \'{"plan": "VARCHAR"}\').',
        )


def _has_variant(shape: str) -> bool:
    try:
        pending: list[object] = [json.loads(shape)]
    except ValueError:
        return False  # duckdb says what is wrong with it
    while pending:
        value = pending.pop()
        if isinstance(value, str) and "variant" in value.lower():
            return True
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
    return False


def _close_functions(name: str, allowed: frozenset[str]) -> str:
    close = closest(name, allowed, 3)
    return f"Close: {', '.join(close)}." if close else "See DuckDB's functions."
