"""duckdb's own parser: text in, parse tree out.

Never runs a statement, and never sees a project's file: its tree has one form for every file,
while a file's connection writes the form of that file's version.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import duckdb

from mp_mcp.errors import QueryError
from mp_mcp.store.exact import literal

Node = dict[str, Any]
"""A part of duckdb's parse tree."""

_one_at_a_time = Lock()


@dataclass(frozen=True)
class Statement:
    """One statement: its type in duckdb's words, and its text without the semicolon."""

    kind: str
    text: str


def statements(sql: str) -> list[Statement]:
    """The statements in a text. Raises: duckdb.Error where it is no SQL, QueryError."""
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise QueryError(
            "The SQL has half of a character in it (a lone surrogate).",
            hint="Send it as valid Unicode text.",
        ) from error
    with _one_at_a_time:
        found = _connection().extract_statements(sql)
    return [Statement(_kind(one), one.query.rstrip().removesuffix(";").rstrip()) for one in found]


def tree_of(sql: str) -> Node | None:
    """The parse tree of a query, or None when the text is not exactly one SELECT."""
    return _trees(f"EXECUTE tree({literal(sql)})")[0]


def trees_of(sql: str, other: str) -> tuple[Node | None, Node | None]:
    """The trees of two queries, for hardly more than one costs."""
    one, two = _trees(f"EXECUTE trees({literal(sql)}, {literal(other)})")
    return one, two


def _trees(execute: str) -> list[Node | None]:
    with _one_at_a_time:
        row = _connection().execute(execute).fetchone()
    try:
        return [_select(json.loads(text)) for text in row or ()]
    except RecursionError as error:
        raise QueryError(
            "The SQL is nested too deeply.",
            hint="Split it into WITH parts, or into several queries.",
        ) from error


def _select(parsed: Node) -> Node | None:
    found = parsed.get("statements", ())
    if parsed.get("error") or len(found) != 1:
        return None
    tree: Node = found[0]["node"]
    return tree


def nodes(tree: object) -> Iterator[Node]:
    """Every part of a tree, each before its own parts."""
    # A list, not recursion: a statement can be nested deeper than Python's stack.
    pending = [tree]
    while pending:
        found = pending.pop()
        if isinstance(found, dict):
            yield found
            pending.extend(found.values())
        elif isinstance(found, list):
            pending.extend(found)


@cache
def built_in_functions() -> tuple[tuple[str, str], ...]:
    """Name and type of every function that duckdb brings."""
    with _one_at_a_time:
        rows = _connection().execute(
            "SELECT DISTINCT lower(function_name), function_type FROM duckdb_functions()"
            " WHERE internal ORDER BY ALL"
        )
        return tuple((str(name), str(kind)) for name, kind in rows.fetchall())


@cache
def built_in_views() -> tuple[str, ...]:
    """Name of every view that a query finds without naming a schema of duckdb's own."""
    with _one_at_a_time:
        rows = _connection().execute(
            "SELECT DISTINCT lower(view_name) FROM duckdb_views()"
            " WHERE internal AND schema_name = 'main' ORDER BY ALL"
        )
        return tuple(str(name) for (name,) in rows.fetchall())


@cache
def reserved_words() -> frozenset[str]:
    """Words that no column can be named by without quotes."""
    with _one_at_a_time:
        rows = _connection().execute(
            "SELECT keyword_name FROM duckdb_keywords()"
            " WHERE keyword_category IN ('reserved', 'type_function')"
        )
        return frozenset(str(word) for (word,) in rows.fetchall())


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "enable_external_access": "false",
        },
    )
    # Planned once: each plan would take twice as long as all the rest.
    connection.execute("PREPARE tree AS SELECT json_serialize_sql($1)")
    connection.execute("PREPARE trees AS SELECT json_serialize_sql($1), json_serialize_sql($2)")
    connection.execute("SET lock_configuration = true")
    return connection


def _kind(statement: duckdb.Statement) -> str:
    try:
        return str(statement.type.name)
    except (duckdb.Error, RuntimeError, ValueError):
        # duckdb 2.0 parses statements that its Python types do not know.
        return "ANYTHING ELSE"
