"""Which of duckdb's names SQL may use: reviewed for duckdb 2.0, function by function.

Never grows by itself: a test fails when duckdb has a function that nobody looked at.
"""

from functools import cache

from mp_mcp.store.parser import built_in_functions, built_in_views


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TABLE_FUNCTIONS = _words("""
    range generate_series unnest repeat repeat_row json_each json_tree
    duckdb_columns duckdb_constraints duckdb_databases duckdb_functions duckdb_indexes
    duckdb_keywords duckdb_schemas duckdb_tables duckdb_types duckdb_views
    pragma_show pragma_table_info pragma_version pg_timezone_names icu_calendar_names
""")
"""All others are refused. Some read files, and `read_blob` on our own file drops its lock;
`query` and `query_table` run text that nobody has checked; `checkpoint`, logs and profiles act."""

SYSTEM_VIEWS = _words("""
    duckdb_columns duckdb_constraints duckdb_databases duckdb_indexes duckdb_schemas
    duckdb_tables duckdb_types duckdb_views sqlite_master sqlite_schema
""")
SYSTEM_SCHEMAS = frozenset(("information_schema", "pg_catalog"))

SHOW = frozenset(("tables", "databases", "schemas", "__show_tables_expanded"))
"""What SHOW may list, beside the columns of a table."""

OUR_FUNCTIONS = frozenset(("prop",))

_ACT = "currval nextval setseed setval write_log sleep_ms pg_sleep"
_RUN_SQL = "json_serialize_plan getenv"
# They take raw state of duckdb, and a wrong one can take the process down.
_INTERNAL = (
    "aggregate_state bitstring_byte_comparable cast_to_type combine combine_aggr "
    "constant_or_null create_sort_key decimal_average finalize icu_sort_key index_key "
    "normalized_interval remap_struct replace_type stats timetz_byte_comparable "
    "to_aggregate_state variant_bytes_to_variant variant_comparator variant_group_object "
    "variant_normalize variant_to_parquet_variant vector_type"
)
# They follow a value to any depth, and off duckdb's stack: that ends the process. Or, given SQL as
# a value, they take as much memory as there is for it.
_RECURSE = "json_contains json_serialize_sql json_deserialize_sql"
DENIED_FUNCTIONS = _words(f"{_ACT} {_RUN_SQL} {_INTERNAL} {_RECURSE}")

SHAPED_FUNCTIONS = _words("from_json from_json_strict json_transform json_transform_strict")
"""Their second argument says the types of a JSON value; it may be no computed one."""

REACHES_OUT = (
    "SQL reads tables only: no files, settings or other programs. mp load brings a file in."
)
FUNCTION_HINTS = {
    "json_contains": "list_contains(x->>'$[*]', 'value') looks into a JSON array.",
    "json_serialize_sql": "Send the statement itself.",
    "json_deserialize_sql": "Send the statement itself.",
}
"""What to use instead of a function; REACHES_OUT for the others."""

QUALIFIERS = frozenset(("main", "system", "pg_catalog"))
"""Where duckdb's own functions live, when their schema is spelled out."""


@cache
def functions() -> frozenset[str]:
    """Every function that an expression may call.

    Functions that are defined in a file are not among them: nobody has checked their bodies.
    """
    built_in = {
        name
        for name, kind in built_in_functions()
        if kind not in ("table", "table_macro", "pragma") and not name.startswith("__")
    }
    return (frozenset(built_in) | OUR_FUNCTIONS | {"unnest"}) - DENIED_FUNCTIONS


@cache
def built_in() -> frozenset[str]:
    """Every function that duckdb has, whether SQL may call it or not."""
    return frozenset(name for name, _ in built_in_functions()) | {"getenv"}


@cache
def denied_views() -> frozenset[str]:
    """The views of duckdb's own that SQL may not name."""
    return frozenset(built_in_views()) - SYSTEM_VIEWS


STATEMENT_HINTS = {
    "CREATE": "save_table keeps a SELECT as a table; WITH names a part of one.",
    "CREATE_FUNC": "Write the expression into the SELECT.",
    "INSERT": "fetch_events and mp load add rows.",
    "UPDATE": "Compute it in a SELECT.",
    "DELETE": "Filter in a SELECT.",
    "MERGE_INTO": "fetch_events and mp load add rows.",
    "DROP": "drop_table removes tables; SQL only reads them.",
    "ALTER": "Select what you need: SELECT * EXCLUDE, REPLACE or RENAME changes columns.",
    "COPY": "Send the SELECT itself; mp export writes its answer to a file, mp load reads one.",
    "EXPORT": "mp snapshot copies the database, mp export writes an answer to a file.",
    "COPY_DATABASE": "mp snapshot copies the database to a file.",
    "ATTACH": "Other files cannot be opened here; mp load reads one.",
    "DETACH": "Other files cannot be opened here.",
    "SET": "Settings are fixed; write the SELECT so that it needs none.",
    "VARIABLE_SET": "Use a WITH clause instead of a variable.",
    "PRAGMA": "Use DESCRIBE table or SHOW TABLES.",
    "CALL": "Use a SELECT.",
    "TRANSACTION": "Every query sees one committed state by itself.",
    "PREPARE": "Send the SELECT itself.",
    "EXECUTE": "Send the SELECT itself.",
    "MULTI": "A PIVOT has to list its values: PIVOT t ON col IN ('a', 'b') USING count(*).",
}
