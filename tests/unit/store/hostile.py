"""SQL that must never run: one statement per row, under what it tries.

`{db}` is the project's own file, `{spool}` a folder that DuckDB may reach, `{file}` a file in it.
The tables and functions of `FOREIGN` are in the file, too, where a test puts them there.
"""

from pathlib import Path

from tests.unit.store.hostile_acts import ACTS, WRITES
from tests.unit.store.hostile_reads import OTHER_FILES, OWN_FILE

FOREIGN = (
    "CREATE TABLE t AS SELECT 1 AS a",
    "CREATE SEQUENCE s",
    "CREATE SCHEMA s",
    "CREATE VIEW reads_a_file AS SELECT * FROM read_csv('{file}')",
    "CREATE VIEW s.reads_a_file AS SELECT * FROM read_csv('{file}')",
    "CREATE VIEW above_it AS FROM reads_a_file",
    "CREATE VIEW \"x AS SELECT 1 --\" AS SELECT * FROM read_csv('{file}')",
    "CREATE MACRO spy() AS (SELECT content FROM read_text('{file}'))",
    "CREATE MACRO spies() AS TABLE FROM read_csv('{file}')",
)
"""What another program may have left in the file."""

_DEEP = "(repeat('[', 1000000) || repeat(']', 1000000))"

BY_AIM: dict[str, tuple[str, ...]] = {
    "read its own file, which would drop the lock": OWN_FILE,
    "read or write other files": OTHER_FILES,
    "change rows, tables or sequences": WRITES,
    "change settings, act, or reach out": ACTS,
    "use what another program left in the file": (
        "FROM reads_a_file",
        "FROM above_it",
        'FROM "x AS SELECT 1 --"',
        "FROM s.reads_a_file",
        "SELECT spy()",
        "FROM spies()",
        "SELECT main.spy()",
        "FROM main.spies()",
        "DESCRIBE reads_a_file",
        "SUMMARIZE reads_a_file",
        "SELECT * FROM t, reads_a_file",
        "WITH reads_a_file AS (FROM reads_a_file) FROM reads_a_file",
    ),
    "break DuckDB itself": (
        "SELECT finalize('\\x00\\x01'::BLOB)",
        "SELECT sum(a) EXPORT_STATE FROM t",
        "SELECT __internal_decompress_string(1::UTINYINT)",
        # Each of these ended the process, or held it up for a minute.
        f"SELECT {_DEEP}::JSON::VARIANT",
        f"SELECT TRY_CAST({_DEEP}::JSON AS VARIANT[])",
        f"SELECT json_contains({_DEEP}, '1')",
        f"SELECT json_transform('[]', {_DEEP})",
        "SELECT from_json('[]', '" + "[" * 40_000 + '"INT"' + "]" * 40_000 + "')",
        "SELECT from_json('[]', '[\"VARIANT\"]')",
        f"SELECT json_serialize_sql('FROM ' || {_DEEP})",
        "FROM " + "(" * 40_000 + "t" + ")" * 40_000,
        "FROM t WHERE a IN " + "(" * 90_000,
        "SELECT a" + ".a" * 20_000 + " FROM t",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT * FROM " + "(SELECT * FROM " * 3000 + "t" + ")" * 3000,
        "FROM t" + ", t" * 20_000,
        "SELECT " + "NOT " * 20_000 + "true",
        "SELECT 1" + "::INT" * 15_000,
        "SELECT 1" + "; SELECT 1" * 9000,
        "SELECT " + "CASE WHEN true THEN " * 3000 + "1" + " END" * 3000,
        "SELECT '" + "x" * 200_000 + "'",
        "SELECT '" + "\u00e9" * 100_000 + "'",
    ),
}

HOSTILE = tuple(sql for statements in BY_AIM.values() for sql in statements)


def filled_in(sql: str, db: Path, spool: Path) -> str:
    """The statement for this file and this folder; `make_places` made what it names in there."""
    return (
        sql.replace("{db}", str(db))
        .replace("{spool}", str(spool))
        .replace("{file}", str(spool / "in.csv"))
    )


def make_places(spool: Path) -> None:
    """A folder that DuckDB may reach, with a file to read in it."""
    spool.mkdir(parents=True)
    (spool / "in.csv").write_text("a\n99\n", encoding="utf-8")


RUNAWAYS = (
    "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(9) c WHERE a <> b",
    "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r",
    "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r, range(9)) FROM r OFFSET 999999999",
    "SELECT length(repeat('x', 300000000)), count(*) FROM range(9999999999) AS r(a)",
    "SELECT length(lpad('', 20000000, 'x')), count(*) FROM range(9999999999) AS r(a)",
    "SELECT length(printf('%90000000d', 1)), count(*) FROM range(9999999999) AS r(a)",
    "SELECT len(range(100000000)), count(*) FROM range(9999999999) AS r(a)",
    "SELECT string_agg(a, '') FROM range(9999999999) AS r(a)",
    "SELECT list(a ORDER BY hash(a)) FROM range(9999999999) AS r(a)",
    "SELECT count(DISTINCT hash(a.range * b.range)) FROM range(1000000) a, range(1000000) b",
    "SELECT sum(levenshtein(repeat('a', 300), md5(a::TEXT))) FROM range(9999999999) AS r(a)",
    "SELECT max(a) OVER (ORDER BY hash(a)) FROM range(9999999999) AS r(a)",
    "SUMMARIZE SELECT * FROM range(99999999999)",
    "EXPLAIN ANALYZE SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a <> b",
)
"""Queries without an end, or with answers that no machine can hold."""
