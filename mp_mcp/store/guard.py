"""Which SQL may run: one statement that only reads tables which are here.

Never runs the SQL it judges. It is the outer of four layers: this walk over the parsed statement,
one statement of type SELECT or EXPLAIN, a read-only transaction, and the locked instance.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from mp_mcp.errors import NotReadOnlyError, QueryError
from mp_mcp.store import guard_names
from mp_mcp.store.catalog import Names
from mp_mcp.store.guard_tree import Reading, TablePath, is_like_a_file, nesting
from mp_mcp.store.named_keys import keys_of
from mp_mcp.store.paging import Paging, paging_of, probe
from mp_mcp.store.parser import statements, trees_of
from mp_mcp.store.touched import Use, uses_of
from mp_mcp.store.translate import table_missing

MAX_SQL = 100_000
MAX_NESTING = 200
"""duckdb's parser holds up everybody for seconds, and takes gigabytes, for thousands of them."""
REMEMBERED = 256

_EXPLAIN = re.compile(r"\s*EXPLAIN(\s+ANALYZE)?\b(\s*\([^()]*\))?\s*", re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")*"|\w+)'
_VIEW_HEAD = re.compile(rf"CREATE VIEW {_NAME}(?:\.{_NAME})*(?: \({_NAME}(?:, {_NAME})*\))? AS ")


@dataclass(frozen=True)
class Checked:
    """A statement whose shape is harmless; its table names are still to be looked up."""

    sql: str
    tables: frozenset[TablePath]
    local_names: frozenset[TablePath]
    """What WITH defines somewhere in it; elsewhere the same name may be a table."""
    paging: Paging | None
    parameters: frozenset[str]
    """Names of the values that it takes, as `$name` spells them."""
    explains: bool
    """Whether it is an EXPLAIN, whose answer is no table of its own."""
    uses: tuple[Use, ...]
    keys: frozenset[str]
    """Names of properties that it reads from the whole object."""


class Guard:
    """Judges statements, and remembers its judgement of the latest ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Checked] = OrderedDict()
        self._lock = Lock()

    def check(self, sql: str) -> Checked:
        """What the statement would read. Raises: NotReadOnlyError, QueryError."""
        with self._lock:
            known = self._known.get(sql)
            if known is not None:
                self._known.move_to_end(sql)
                return known
        checked = _check(sql)
        with self._lock:
            self._known[sql] = checked
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return checked

    def check_names(self, checked: Checked, names: Names) -> None:
        """Whether every table is in the catalog, down through views that are not ours.

        Raises: TableMissingError, NotReadOnlyError.
        """
        judged: set[tuple[str, str]] = set()
        pending = [checked]
        while pending:
            current = pending.pop()
            for path in current.tables:
                key = names.key(path)
                if key is None:
                    if path not in current.local_names or path[-1] in guard_names.denied_views():
                        _check_absent(path, names)
                elif key in names.foreign_views and key not in judged:
                    judged.add(key)
                    pending.append(self.check(_body(names.foreign_views[key])))


def _check_absent(path: TablePath, names: Names) -> None:
    """A name that is no table of this file may still be a listing of duckdb's own."""
    schema, name = (path[-2] if len(path) > 1 else ""), path[-1]
    if is_like_a_file(name):
        raise NotReadOnlyError(
            f"SQL cannot read files, and {name} is no table.",
            hint="mp load reads a file into a table; inspect_tables lists the tables.",
        )
    if schema in guard_names.SYSTEM_SCHEMAS:
        return
    if schema in ("", "main") and name in guard_names.SYSTEM_VIEWS:
        return
    raise table_missing(".".join(path), names.listed)


def _body(view: str) -> str:
    """The SELECT of a CREATE VIEW statement; what cannot be found is refused later."""
    # Names are read whole: one that looks like SQL must not be taken for the body.
    found = _VIEW_HEAD.match(view)
    return view[found.end() :] if found else view


def _check(sql: str) -> Checked:
    if len(sql) > MAX_SQL:
        raise QueryError(
            f"The SQL is {len(sql)} characters long; the limit is {MAX_SQL}.",
            hint="Load the values into a table (mp load) and join with it, or send them in parts.",
        )
    if nesting(sql) > MAX_NESTING:
        raise QueryError(
            f"The SQL opens more than {MAX_NESTING} brackets inside each other.",
            hint="Split it into WITH parts, or into several queries.",
        )
    found = statements(sql)
    if len(found) != 1:
        raise QueryError(
            f"{len(found)} statements were given; send exactly one SELECT.",
            hint="Send them one by one, or join them with WITH or UNION ALL.",
        )
    kind, statement = found[0].kind, found[0].text
    explain = _EXPLAIN.match(statement) if kind == "EXPLAIN" else None
    query = statement[explain.end() :] if explain else statement
    is_query = explain is not None or kind == "SELECT"
    tree, probed = trees_of(query, probe(query)) if is_query else (None, None)
    if tree is None:
        raise NotReadOnlyError(
            f"Only one SELECT can run here, not {kind.replace('_', ' ')}.",
            hint=guard_names.STATEMENT_HINTS.get(kind, "Rewrite it as a SELECT."),
        )
    reading = Reading(tree)
    paging = None if explain else paging_of(query, tree, probed)
    tables, local_names = frozenset(reading.tables), frozenset(reading.local_names)
    parameters = frozenset(reading.parameters)
    uses, explains = uses_of(tree), explain is not None
    return Checked(
        statement, tables, local_names, paging, parameters, explains, uses, keys_of(tree)
    )
