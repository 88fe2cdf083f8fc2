"""What happens to a file when it is opened, before anybody uses it.

Never writes into a file that another program made: the first load does.
"""

from duckdb import DuckDBPyConnection

from mp_mcp.errors import DatabaseCorruptError, MpError
from mp_mcp.store import guard_names, schema
from mp_mcp.store.guard import Guard
from mp_mcp.store.large import drop_leftovers


def prepare(cursor: DuckDBPyConnection, read_only: bool) -> None:
    """Refuse what we cannot use safely, and bring our own bookkeeping up to date.

    Raises: DatabaseCorruptError.
    """
    _check_functions(cursor)
    if schema.has_schema(cursor):
        if read_only:
            schema.check_version(cursor)
        else:
            schema.ensure_schema(cursor)
            drop_leftovers(cursor, _name(cursor))
    elif not read_only and schema.is_empty(cursor):
        schema.ensure_schema(cursor)


def _check_functions(cursor: DuckDBPyConnection) -> None:
    """No function of the file may stand in for one that our SQL, or a reviewed query, calls.

    DuckDB prefers the file's own, even behind `x[1]` and SHOW TABLES, so a macro could do anything
    under a reviewed name. Only another program can add one, and only while we do not have the file.
    """
    # Spelled out, and without any function in it: the file may define those.
    rows = cursor.execute(
        "SELECT function_name, function_type, macro_definition"
        " FROM system.main.duckdb_functions() WHERE NOT internal"
    ).fetchall()
    for name, kind, body in rows:
        known = str(name).lower()
        if known in guard_names.OUR_FUNCTIONS:
            refused = kind != "macro" or not _is_harmless(str(body))
        else:
            refused = known in guard_names.built_in()
        if refused:
            raise DatabaseCorruptError(
                f"The database defines a function {name}, which would stand in for our own.",
                hint=f"Remove it with the program that made it: DROP MACRO {name} "
                "(DROP MACRO TABLE when it makes a table).",
            )


def _name(cursor: DuckDBPyConnection) -> str:
    return str(cursor.execute("SELECT current_database()").fetchall()[0][0])


def _is_harmless(body: str) -> bool:
    try:
        return not Guard().check(f"SELECT {body}").tables
    except MpError:
        return False
