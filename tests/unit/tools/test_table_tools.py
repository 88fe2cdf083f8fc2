"""Tools of local tables pass the call on as it is, and refuse what the store need not see."""

from pathlib import Path
from typing import Any

import pytest

from mp_mcp.arguments import validated
from mp_mcp.errors import UsageError
from mp_mcp.store.models import SpooledFile
from mp_mcp.tool import Tool
from mp_mcp.tools.storage.drop_table import drop_table
from mp_mcp.tools.storage.export_sql import FORMATS, export_sql
from mp_mcp.tools.storage.inspect_column import inspect_column
from mp_mcp.tools.storage.inspect_describe import inspect_describe
from mp_mcp.tools.storage.inspect_sample import inspect_sample
from mp_mcp.tools.storage.inspect_schema import inspect_schema
from mp_mcp.tools.storage.query_sql import query_sql
from mp_mcp.tools.storage.save_table import save_table
from mp_mcp.tools.storage.snapshot_database import snapshot_database
from tests.unit.tools.fakes import FakeReader, FakeWriter

pytestmark = pytest.mark.anyio


def tool_of(function: Any) -> Tool:
    found: Tool = function.__mp_tool__
    return found


async def test_looks_name_their_table() -> None:
    store = FakeReader()
    await inspect_schema(store, table="Events")
    await inspect_describe(store, table="events")
    await inspect_sample(store, table="events")
    found = await inspect_column(store, table="events", column="$city", top=3)
    assert (found.table, found.column) == ("events", "$city")
    assert store.asked == [
        ("Events", {}),
        ("events", {}),
        ("events", {"rows": 10}),
        ("events", {"column": "$city", "top": 3}),
    ]


async def test_a_saved_table_is_told(tmp_path: Path) -> None:
    store = FakeWriter(tmp_path)
    found = await save_table(store, "kept", "SELECT 1", replace=True, timeout=3)
    assert (found.table, found.rows) == ("kept", 10)
    assert store.events == ["save kept SELECT 1 {'replace': True, 'timeout_s': 3}"]


async def test_nothing_is_dropped_without_a_confirmation(tmp_path: Path) -> None:
    store = FakeWriter(tmp_path)
    with pytest.raises(UsageError, match="a, b would be gone") as caught:
        await drop_table(store, ("a", "b"))
    assert "confirm=true" in (caught.value.hint or "")
    assert store.events == []
    found = await drop_table(store, ("a", "b"), confirm=True)
    assert [table.name for table in found.dropped] == ["a", "b"]
    assert store.events == ["drop a b"]


@pytest.mark.parametrize("given", ["a,b", '["a", "b"]', ["a", "b"]])
def test_tables_come_as_a_list_or_as_text(given: object) -> None:
    assert validated(tool_of(drop_table), {"table": given})["table"] == ("a", "b")


def test_dropping_no_table_is_refused() -> None:
    with pytest.raises(UsageError):
        validated(tool_of(drop_table), {"table": []})


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"a": 1}, {"a": 1}), ('{"a": [1]}', {"a": [1]}), ("", None), (None, None)],
)
def test_parameters_come_as_an_object_or_as_its_text(given: object, expected: object) -> None:
    assert validated(tool_of(query_sql), {"sql": "x", "params": given})["params"] == expected


@pytest.mark.parametrize("given", ["a=1", "[1]", 5])
def test_other_parameters_are_refused(given: object) -> None:
    with pytest.raises(UsageError, match="params"):
        validated(tool_of(query_sql), {"sql": "x", "params": given})


@pytest.mark.parametrize("ending", FORMATS)
async def test_the_ending_decides_the_format(ending: str, tmp_path: Path) -> None:
    store = FakeReader(file=SpooledFile(path="/spool/x", bytes=5, rows=2))
    file = str(tmp_path / f"my.data{ending.upper()}")
    found = await export_sql(store, "SELECT 1", file, timeout=9)
    assert (found.file, found.rows, found.bytes, found.spooled) == (file, 2, 5, "/spool/x")
    assert store.asked == [("SELECT 1", {"form": FORMATS[ending], "timeout_s": 9})]


@pytest.mark.parametrize("name", ["data", "data.xlsx", "data.json", "csv", "data.parquet.gz"])
async def test_an_unknown_ending_is_refused_with_those_that_are_known(name: str) -> None:
    store = FakeReader()
    with pytest.raises(UsageError) as caught:
        await export_sql(store, "SELECT 1", f"/nowhere/{name}")
    assert ".jsonl.gz" in (caught.value.hint or "")
    assert store.asked == []


async def test_a_file_that_is_there_is_refused_before_anything_runs(tmp_path: Path) -> None:
    store = FakeReader()
    file = str(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("mine", encoding="utf-8")
    for call in (export_sql(store, "SELECT 1", file), snapshot_database(store, file)):
        with pytest.raises(UsageError, match="is there already"):
            await call
    assert store.asked == []
    assert (await export_sql(store, "SELECT 1", file, force=True)).file == file
    assert (await snapshot_database(store, file, force=True)).file == file


def test_only_dropping_is_destructive_and_files_are_for_people() -> None:
    every = (inspect_schema, inspect_column, save_table, drop_table, export_sql, snapshot_database)
    found = [tool_of(function) for function in every]
    assert [tool.name for tool in found if tool.destructive] == ["drop_table"]
    assert [tool.name for tool in found if tool.writes] == ["save_table", "drop_table"]
    assert [tool.words for tool in found if tool.human_only] == [("export",), ("snapshot",)]
