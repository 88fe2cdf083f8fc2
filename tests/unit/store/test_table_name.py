import duckdb
import pytest

from mp_mcp.errors import UsageError
from mp_mcp.store.table_name import check_table_name

WORDS = [
    word
    for (word,) in duckdb.execute("SELECT DISTINCT keyword_name FROM duckdb_keywords()").fetchall()
]


def reads_without_quotes(cursor: duckdb.DuckDBPyConnection, name: str) -> bool:
    cursor.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT 7 AS n')
    try:
        return cursor.execute(f"SELECT * FROM {name}").fetchall() == [(7,)]
    except duckdb.Error:
        return False
    finally:
        cursor.execute(f'DROP TABLE "{name}"')


def test_a_word_of_sql_names_a_table_where_sql_reads_it_without_quotes() -> None:
    refused = set()
    with duckdb.connect() as cursor:
        for word in WORDS:
            try:
                check_table_name(word)
                check_table_name(word.upper())
            except UsageError:
                refused.add(word)
            assert reads_without_quotes(cursor, word) is (word not in refused), word
    assert {"select", "order", "left", "group"} <= refused
    assert not {"events", "map", "values", "year"} & refused


@pytest.mark.parametrize("name", ["", "1st", "a b", 'a"', "a" * 64, "é", "a\n"])
def test_other_characters_are_refused_with_those_that_may_be(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a table") as caught:
        check_table_name(name)
    assert "letters, digits and _" in (caught.value.hint or "")
