"""What a wrong column name may have meant: looked up in the file after a query failed.

Never runs the failed query again, and costs nothing while queries are right.
"""

import re
from collections.abc import Iterable, Sequence

import duckdb

from mp_mcp.store import rest_keys, sources
from mp_mcp.store.catalog import Names
from mp_mcp.store.exact import identifier, literal
from mp_mcp.store.guard_tree import TablePath
from mp_mcp.store.parser import reserved_words
from mp_mcp.wording import closest

_MISSING = re.compile(
    r'(?:Referenced column|does not have a column named) "(?P<name>.+?)"(?: not found|\s|$)'
)
_NO_JSON = re.compile(r'Malformed JSON .*Input: "', re.DOTALL)

JSON_TEXT_HINT = (
    "properties.name and properties['name'] are JSON, not text: compare the column, prop('name') "
    "or properties->>'name'."
)


def hint_for(
    cursor: duckdb.DuckDBPyConnection,
    error: duckdb.Error,
    tables: Iterable[TablePath],
    names: Names,
) -> str | None:
    """A hint that names the column or property that was meant; None when there is none."""
    message = str(error)
    if _NO_JSON.search(message):
        return JSON_TEXT_HINT
    missing = _MISSING.search(message)
    if missing is None:
        return None
    columns: list[str] = []
    in_rest: list[str] = []
    for path in sorted(tables):
        key = names.key(path)
        # A foreign view is not looked into: nobody has judged what it would run.
        if key is not None and key[0] == "main" and key not in names.foreign_views:
            source = sources.find(cursor, key[1], names)
            columns += [name for name, _ in source.columns if name != sources.REST]
            in_rest += rest_keys.tail_of(cursor, source).keys
    return meant(missing["name"], columns, in_rest)


def meant(wanted: str, columns: Sequence[str], in_rest: Sequence[str]) -> str | None:
    """The closest names, as SQL spells them; None when nothing is close."""
    exact = next((key for key in in_rest if key.casefold() == wanted.casefold()), None)
    if exact is not None:
        return f"{exact} is a property without a column of its own: write {as_prop(exact)}."
    spelled = {_plain(name): as_column(name) for name in columns}
    for key in in_rest:
        spelled.setdefault(_plain(key), as_prop(key))
    close = closest(_plain(wanted), spelled, 4)
    if not close:
        return None
    return (
        f"Close: {', '.join(spelled[name] for name in close)}. "
        "inspect_schema lists all columns and properties."
    )


def as_prop(key: str) -> str:
    """How SQL reads a property that has no column."""
    return f"prop({literal(key)})"


def as_column(name: str) -> str:
    """How SQL spells a column: quoted where it has to be."""
    is_plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in reserved_words()
    return name if is_plain else identifier(name)


def _plain(name: str) -> str:
    return name.casefold().lstrip("$")
