"""Guarded reads on one cursor: judge the SQL, read in a read-only transaction, explain failures.

Never lets anything run that the guard has not judged, and never leaves a transaction open, but for
a cursor that is closed next.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from mp_mcp.errors import MpError, QueryError
from mp_mcp.store import json_paths, sources, suggest
from mp_mcp.store.catalog import Names, NamesCache
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.exact import identifier
from mp_mcp.store.guard import Checked, Guard
from mp_mcp.store.translate import translate

T = TypeVar("T")

NO_NAMES = Names("", frozenset(), {}, ())


@dataclass(frozen=True)
class Judged:
    """SQL that may run, and the names that it may use at this generation of the file."""

    checked: Checked
    names: Names
    generation: int


class GuardedReads:
    """Runs guarded reads on cursors of one database."""

    def __init__(self, database: Database, guard: Guard, names: NamesCache) -> None:
        self._database = database
        self._guard = guard
        self._names = names

    def run(
        self, cursor: Cursor, sql: str, read: Callable[[Judged], T], *, last: bool = False
    ) -> T:
        """What `read` makes of the judged SQL, inside a read-only transaction.

        `read` is called again when the SQL takes a property's `'$name'` for a JSON path.
        Where it is the cursor's `last` work, closing the cursor ends the transaction: that is
        free, while a COMMIT costs nearly half of what a small query does.
        Raises: NotReadOnlyError, QueryError, TableMissingError and others, all in our words.
        """
        try:
            return self._attempt(cursor, sql, read, last=last)
        except _Failed as failed:
            error = failed.error
            if json_paths.REFUSED in str(error):
                natural, keys = json_paths.as_pointers(sql)
                if keys:
                    return self.run(cursor, natural, read, last=last)
            raise self._explained(cursor, failed) from error

    def look(self, cursor: Cursor, table: str, look: Callable[[sources.Source], T]) -> T:
        """What `look` finds in a table, inside a read-only transaction: the cursor's last work.

        Raises: TableMissingError; NotReadOnlyError for a view that would do more than read tables.
        """
        names = self._names.get(cursor, self._database.generation)
        source = sources.find(cursor, table, names)
        # A view that somebody else made is judged like any query.
        judged = f"SELECT * FROM main.{identifier(source.name)}"  # noqa: S608 - quoted
        return self.run(cursor, judged, lambda _: look(source), last=True)

    def _attempt(self, cursor: Cursor, sql: str, read: Callable[[Judged], T], *, last: bool) -> T:
        generation = self._database.generation
        names = NO_NAMES
        checked = None
        try:
            checked = self._guard.check(sql)
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            if checked.tables:
                names = self._names.get(cursor, generation)
                self._guard.check_names(checked, names)
            found = read(Judged(checked, names, generation))
            if not last:
                cursor.execute("COMMIT")
        except duckdb.Error as error:
            _roll_back(cursor)
            raise _Failed(error, names, checked) from error
        except BaseException:
            _roll_back(cursor)
            raise
        return found

    def _explained(self, cursor: Cursor, failed: "_Failed") -> MpError:
        found = translate(failed.error, self._database.path, failed.names.listed)
        if not isinstance(found, QueryError) or failed.checked is None:
            return found
        try:
            hint = suggest.hint_for(cursor, failed.error, failed.checked.tables, failed.names)
        except (duckdb.Error, MpError):
            hint = None  # interrupted, for instance: then the plain error has to do
        return found.with_hint(hint) if hint else found


class _Failed(Exception):  # noqa: N818 - never leaves this module
    """A duckdb error, with what was known when it came."""

    def __init__(self, error: duckdb.Error, names: Names, checked: Checked | None) -> None:
        self.error = error
        self.names = names
        self.checked = checked


def _roll_back(cursor: Cursor) -> None:
    with contextlib.suppress(duckdb.Error):
        cursor.execute("ROLLBACK")
