"""SQL that gives a column of an answer in a form that a format of files can hold exactly.

Never runs SQL and never sees a row: it only writes expressions.
"""

import re

PARQUET_INTEGER = "DECIMAL(38, 0)"
"""The longest exact number that parquet has."""

# In the text of a type. What is quoted is a name or a value of an ENUM; a name without quotes is
# passed over because a blank follows it.
_LONG_INTEGER = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\bU?HUGEINT(?=[\[,)]|$)""")
_MAY_HOLD_DOUBLES = re.compile(r"DOUBLE|FLOAT|JSON|VARIANT")

# duckdb reads and writes these in JSON, in any case: `{"a":NaN,"b":[-inf]}`.
_NO_NUMBER = r"(?i)(^|[\[:,])-?(nan|inf)"
# A string, a word, or what is neither.
_PIECE = r'"(?:[^"\\]|\\.)*"|-?[A-Za-z]+|[^"A-Za-z-]+|-'
_NAMES = (("-?nan", "NaN"), ("inf(inity)?", "Infinity"), ("-inf(inity)?", "-Infinity"))


def for_parquet(value: str, kind: str) -> str | None:
    """Parquet has no integers of 128 bits, which sums are: duckdb would write doubles.

    None where the value can stay as it is.
    """
    exact = _LONG_INTEGER.sub(
        lambda found: PARQUET_INTEGER if found[0].endswith("HUGEINT") else found[0], kind
    )
    return None if exact == kind else f"{value}::{exact}"


def for_json(value: str, kind: str) -> str | None:
    """JSON has no NaN and no Infinity, at any depth: they become text, as in other answers.

    None where the value can stay as it is.
    """
    if not _MAY_HOLD_DOUBLES.search(kind):
        return None
    piece = "piece"
    for pattern, name in _NAMES:
        piece = f"regexp_replace({piece}, '^{pattern}$', '\"{name}\"', 'i')"
    text = f"to_json({value})::VARCHAR"
    named = f"array_to_string([{piece} FOR piece IN regexp_extract_all({text}, '{_PIECE}')], '')"
    # Most values have none: only the others are taken apart.
    return (
        f"CASE WHEN regexp_matches({text}, '{_NO_NUMBER}') THEN {named}::JSON"
        f" ELSE to_json({value}) END"
    )
