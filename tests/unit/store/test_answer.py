"""Answers of Mixpanel as tables: exact values, names and types for SQL, nothing else replaced."""

from typing import Any

import pytest

from mp_mcp.errors import TableExistsError, UsageError
from mp_mcp.store.answer import MOST_COLUMNS, names_of, type_of
from mp_mcp.store.open_store import Store
from tests.unit.store.loading import line
from tests.unit.store.tables import load

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 2], "BIGINT"),
        ([1, 2.5], "DOUBLE"),
        ([True, False], "BOOLEAN"),
        ([True, 1], "JSON"),
        ([2**70, 1], "JSON"),
        (["2025-01-01", None], "DATE"),
        (["2025-02-30"], "VARCHAR"),
        (["2025-01-01", "2025-01-01 10:00:00"], "TIMESTAMP"),
        (["2025-01-01", "$overall"], "VARCHAR"),
        (["2025-01-01T10:00:00Z"], "VARCHAR"),
        (["a", 1], "JSON"),
        ([{"a": 1}, [2]], "JSON"),
        ([None], "VARCHAR"),
        ([], "VARCHAR"),
    ],
)
def test_a_column_has_the_narrowest_type_that_keeps_every_value(
    values: list[Any], expected: str
) -> None:
    assert type_of(values) == expected


def test_names_are_told_apart_without_their_case() -> None:
    assert names_of(["iOS", "IOS", "", "ios_2", "a\nb", "x" * 300]) == [
        "iOS",
        "IOS_2",
        "(empty)",
        "ios_2_2",
        "a b",
        "x" * 255,
    ]


async def test_every_value_survives(store: Store) -> None:
    columns = ["date", "n", "share", "who", "more", "big", "flag"]
    rows: list[list[Any]] = [
        ["2025-01-01", 9_007_199_254_740_993, 0.1, "é 👋 \"'\\\n\t", {"a": [1, None]}, 2**70, True],
        ["2025-01-02", None, 1e-300, "", None, -1, None],
    ]
    kept = await store.writer().keep_rows("kept", columns, rows)
    assert (kept.table, kept.rows, kept.columns, kept.replaced) == ("kept", 2, 7, False)
    found = await store.reader().query("FROM kept ORDER BY date", limit=9)
    assert found.columns == columns
    assert found.rows == rows
    assert found.types == ["DATE", "BIGINT", "DOUBLE", "VARCHAR", "JSON", "JSON", "BOOLEAN"]


async def test_half_a_character_and_no_number_do_not_stop_the_rest(store: Store) -> None:
    await store.writer().keep_rows("kept", ["a", "b"], [["\ud800x", float("nan")], ["y", 1.5]])
    found = await store.reader().query("FROM kept", limit=9)
    assert found.rows == [["?x", None], ["y", 1.5]]


async def test_an_answer_without_rows_is_an_empty_table(store: Store) -> None:
    await store.writer().keep_rows("kept", ["date", "n"], [])
    assert (await store.reader().query("SELECT count(*) FROM kept", limit=1)).rows == [[0]]


async def test_an_answer_without_columns_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="without columns"):
        await store.writer().keep_rows("kept", [], [])


async def test_an_answer_of_very_many_columns_is_refused(store: Store) -> None:
    names = [f"c{number}" for number in range(MOST_COLUMNS + 1)]
    with pytest.raises(UsageError, match="1,001 columns"):
        await store.writer().keep_rows("kept", names, [])
    kept = await store.writer().keep_rows("kept", names[1:], [list(range(MOST_COLUMNS))])
    assert kept.columns == MOST_COLUMNS


async def test_an_answer_replaces_only_an_answer(store: Store) -> None:
    writer = store.writer()
    await load(store, [line(plan="a")])
    await writer.save("saved", "SELECT 1 AS a")
    await writer.keep_rows("kept", ["a"], [[1], [2]])
    assert (await writer.keep_rows("KEPT", ["a"], [[3]])).replaced
    assert (await store.reader().query("FROM kept", limit=9)).rows == [[3]]
    for name, why in {"events": "never replaced", "saved": "only save_table"}.items():
        with pytest.raises(TableExistsError, match=why):
            await writer.keep_rows(name, ["a"], [[1]])
    with pytest.raises(UsageError):
        await writer.keep_rows("no name", ["a"], [[1]])
    assert (await writer.save("kept", "SELECT 4 AS a", replace=True)).replaced
    (dropped,) = await writer.drop(["kept"])
    assert dropped.kind == "saved"


async def test_a_kept_answer_can_be_dropped(store: Store) -> None:
    await store.writer().keep_rows("kept", ["a"], [[1]])
    (dropped,) = await store.writer().drop(["kept"])
    assert (dropped.kind, dropped.rows) == ("answer", 1)
    assert await store.reader().tables() == []
