"""A grammar of SQL, good and bad: what models write, what they should not, and what nobody would.

Never asks for much work: ranges are short, so that a statement that takes long is a finding.
"""

from hypothesis import strategies as st

from mp_mcp.store.parser import built_in_functions

Sql = st.SearchStrategy[str]

_CALLED = sorted({name for name, kind in built_in_functions() if "table" not in kind})
_TABLE_CALLED = sorted({name for name, kind in built_in_functions() if "table" in kind})
_TYPES = (
    *("INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "VARCHAR", "BLOB", "BOOLEAN", "DATE", "TIMESTAMP"),
    *("TIMESTAMPTZ", "INTERVAL", "JSON", "UUID", "DECIMAL(9,2)", "INTEGER[]", "VARCHAR[2]", "BIT"),
    *("TIME", "STRUCT(a INT)", "MAP(VARCHAR,INT)", "VARIANT", "NOSUCH"),
)
_OPERATORS = (
    *("+", "-", "*", "/", "//", "%", "||", "=", "<>", "<", "<=", ">", ">=", "AND", "OR", "LIKE"),
    *("ILIKE", "~", "GLOB", "IS DISTINCT FROM", "->", "->>", "&&", "<<", ">>", "^", "@>", "<@"),
)

names = st.sampled_from(["t", "a", "x", "b", '"A"', "events", "nosuch", "rowid", '"', "main.t"])
tables = st.sampled_from(
    [
        *("t", "main.t", '"1001".main.t', "nosuch", "_mp.meta", "_mp.coverage", "pg_settings"),
        *("information_schema.tables", "duckdb_tables", "sqlite_master", "s.reads_a_file"),
        *("reads_a_file", "above_it", "'{db}'", "'{file}'", "'{spool}/*'", '"{db}"', "x"),
    ]
)
literals = st.sampled_from(
    [
        *("0", "1", "-1", "NULL", "true", "1.5", "1e308", "99999999999999999999", "'a'", "''"),
        *("'{db}'", "'{file}'", "'2025-01-01'", "DATE '2025-01-01'", "INTERVAL 1 DAY", "[1, 2]"),
        *("[]", "{'a': 1}", "MAP {'k': 1}", "'[[1]]'::JSON", "'é😀'", "'NaN'::DOUBLE", "$x", "?"),
        *("current_date", "x'00'", "1::BIT", "'\u0001'", "repeat('x', 9)", "'$.a'", "'{}'::JSON"),
        *("*", "'\\x00'::BLOB"),
    ]
)


def _called(inner: Sql, among: list[str]) -> Sql:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.builds(lambda name, given: f'"{name}"({given})', st.sampled_from(among), arguments)


def _expressions(inner: Sql) -> Sql:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(_OPERATORS), inner),
        _called(inner, _CALLED),
        _called(inner, _CALLED),
        st.builds("{}::{}".format, inner, st.sampled_from(_TYPES)),
        st.builds("TRY_CAST({} AS {})".format, inner, st.sampled_from(_TYPES)),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("list_transform([1, 2], lambda {}: {})".format, names, inner),
        st.builds("{} OVER (PARTITION BY {} ORDER BY {})".format, inner, inner, inner),
        st.builds("(SELECT {} FROM {})".format, inner, tables),
        st.builds("{} IN (SELECT {})".format, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("COLUMNS({})".format, inner),
        st.builds("prop({})".format, inner),
        st.builds("{}.{}".format, inner, names),
    )


expressions = st.recursive(names | literals, _expressions, max_leaves=6)

sources = st.one_of(
    tables,
    tables,
    _called(literals, _TABLE_CALLED),
    st.builds("(VALUES ({}), ({})) AS x(a)".format, expressions, expressions),
    st.builds("(SELECT {} AS a FROM {}) AS x".format, expressions, tables),
    st.builds("{} AS x JOIN {} AS y ON {}".format, tables, tables, expressions),
    st.builds("{}, LATERAL (SELECT {}) AS x".format, tables, expressions),
    st.just("range(50) AS x(a)"),
    st.just("(DESCRIBE t)"),
)

_ends = st.sampled_from(
    [
        *("", "", " GROUP BY ALL", " ORDER BY 1", " LIMIT 3", " HAVING true", " QUALIFY true", ";"),
        *(" USING SAMPLE 50%", " GROUP BY ROLLUP (a)", " WINDOW w AS (ORDER BY a)", " FOR UPDATE"),
        " --",
    ]
)


def _selects(inner: Sql) -> Sql:
    return st.one_of(
        st.builds("{} UNION ALL {}".format, inner, inner),
        st.builds("{} EXCEPT {}".format, inner, inner),
        st.builds("WITH x AS ({}) {}".format, inner, inner),
        st.builds("WITH x AS MATERIALIZED ({}) SELECT * FROM x, x AS y".format, inner),
        st.builds("SELECT * FROM ({})".format, inner),
        st.builds("SELECT count(*), min(COLUMNS(*)) FROM ({})".format, inner),
        st.builds("EXPLAIN {}".format, inner),
        st.builds("SUMMARIZE {}".format, inner),
        st.builds("DESCRIBE {}".format, inner),
        st.builds("PIVOT ({}) ON a USING count(*)".format, inner),
    )


selects = st.recursive(
    st.one_of(
        st.builds("SELECT {}{}".format, expressions, _ends),
        st.builds("SELECT {}, {} FROM {}{}".format, expressions, expressions, sources, _ends),
        st.builds("SELECT * FROM {} WHERE {}{}".format, sources, expressions, _ends),
        st.builds("FROM {}{}".format, sources, _ends),
    ),
    _selects,
    max_leaves=3,
)

acts = st.one_of(
    st.builds("CREATE TABLE y AS {}".format, selects),
    st.builds("CREATE OR REPLACE TEMP VIEW y AS {}".format, selects),
    st.builds("INSERT INTO {} {}".format, tables, selects),
    st.builds("DELETE FROM {} WHERE {}".format, tables, expressions),
    st.builds("UPDATE {} SET a = {}".format, tables, expressions),
    st.builds("COPY ({}) TO '{{spool}}/out.csv'".format, selects),
    st.builds("COPY {} FROM '{{file}}'".format, tables),
    st.builds("ATTACH {} AS y".format, literals),
    st.builds("PREPARE y AS {}".format, selects),
    st.builds("EXPLAIN ANALYZE {}".format, selects),
    st.builds("PRAGMA {}({})".format, names, literals),
    st.builds("SET {} = {}".format, names, literals),
    st.builds("CALL {}".format, _called(literals, _TABLE_CALLED)),
    st.builds("WITH x AS (DELETE FROM t RETURNING a) {}".format, selects),
    st.sampled_from(["BEGIN", "COMMIT", "CHECKPOINT", "VACUUM", "INSTALL httpfs", "LOAD json"]),
    st.sampled_from(["DROP TABLE t", "USE memory", 'DETACH "1001"', "EXPORT DATABASE '{spool}'"]),
)

statements = st.one_of(
    selects,
    selects,
    acts,
    st.builds("{}; {}".format, selects, acts),
    st.builds("{}{}".format, selects, st.text(max_size=5)),
    st.builds(lambda sql, cut: sql[: cut % (len(sql) + 1)], selects, st.integers(0)),
    st.text(max_size=40),
)
"""One text that somebody may send as SQL; `{db}`, `{spool}` and `{file}` are to be filled in."""
