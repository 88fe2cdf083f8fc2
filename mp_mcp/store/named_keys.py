"""Which properties a query reads from the column `properties` by a constant name, or by prop().

Never runs SQL and never guesses: a name that is computed, or may be of another column, is left out.
"""

import re
from collections.abc import Iterator

from mp_mcp.store.moments import arguments
from mp_mcp.store.parser import Node, nodes

_WHOLE = "properties"
_READERS = frozenset(("->>", "json_value", "json_extract", "json_extract_string"))
_READERS |= {"json_extract_path", "json_extract_path_text"}
_STEP = re.compile(r'\$\.(?:"([^"*]+)"|([^."*?\[]+))')


def keys_of(tree: Node) -> frozenset[str]:
    """The names by which the query reads from `properties`; none when it makes such a column."""
    keys: set[str] = set()
    for node in nodes(tree):
        if _makes_properties(node):
            return frozenset()
        keys.update(_keys(node))
    return frozenset(keys - {""})


def _makes_properties(node: Node) -> bool:
    """Whether this gives the name to something else than the column of our tables."""
    for name, value in node.items():
        named = value if isinstance(value, list) and name != "column_names" else [value]
        is_name = name in ("alias", "key") or isinstance(value, list)
        if is_name and any(isinstance(one, str) and one.lower() == _WHOLE for one in named):
            return True
    return False


def _keys(node: Node) -> Iterator[str]:
    if node.get("class") == "COLUMN_REF":
        names = [str(name) for name in node["column_names"]]
        at = next((n for n, name in enumerate(names) if name.lower() == _WHOLE), len(names))
        yield from names[at + 1 : at + 2]
    elif node.get("class") == "LAMBDA" and node.get("syntax_type") == "SINGLE_ARROW":
        yield from _of_path(node["lhs"], node["expr"])  # so the parser reads `properties -> 'name'`
    elif node.get("type") == "ARRAY_EXTRACT" and _is_whole(node["children"][0]):
        yield _text(node["children"][1])
    elif node.get("class") == "FUNCTION":
        name, given = str(node["function_name"]).lower(), arguments(node)
        if name == "prop" and len(given) == 1:
            yield _text(given[0])
        elif name in _READERS and len(given) >= 2:
            yield from _of_path(given[0], given[1])


def _of_path(source: Node, path: Node) -> Iterator[str]:
    """The first step of a path, a pointer or a plain name."""
    text = _text(path) if _is_whole(source) else ""
    if text.startswith("/"):
        yield text[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
    elif text.startswith("$"):
        found = _STEP.match(text)
        yield (found[1] or found[2]) if found else ""
    else:
        yield text


def _is_whole(node: Node) -> bool:
    names = node.get("column_names") if node.get("class") == "COLUMN_REF" else None
    return bool(names) and str((names or [""])[-1]).lower() == _WHOLE


def _text(node: Node) -> str:
    literal = node.get("literal") or {}
    return str(literal.get("text", "")) if literal.get("kind") == "STRING" else ""
