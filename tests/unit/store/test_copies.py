"""Files out of the database: exact, complete, and gone when nobody takes them away."""

import asyncio
import csv
import gzip
import json
import os
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest

from mp_mcp.errors import DiskFullError, MpError, NotReadOnlyError, QueryError, QueryTimeoutError
from mp_mcp.store import copies
from mp_mcp.store.copies import FORGOTTEN_AFTER_S
from mp_mcp.store.database import Cursor
from mp_mcp.store.models import Format
from mp_mcp.store.open_store import Store
from mp_mcp.store.reads import Limits
from tests.unit.store.conftest import until
from tests.unit.store.loading import line, same
from tests.unit.store.tables import load, value
from tests.unit.store.test_database import ENDLESS

pytestmark = pytest.mark.anyio

ODD = """SELECT sum(9007199254740993) AS big, 'NaN'::DOUBLE AS nan, '-inf'::DOUBLE AS inf,
    1.5::DOUBLE AS d, NULL::DOUBLE AS nothing, '{"a": [1, null]}'::JSON AS j, '' AS empty,
    NULL::VARCHAR AS missing, 'a,"b"\nc' AS text, 1 AS same, 2 AS same"""
FORMS: tuple[Format, ...] = ("parquet", "csv", "csv.gz", "jsonl", "jsonl.gz")


async def export(store: Store, sql: str, form: Format = "jsonl") -> Path:
    return Path((await store.reader().export(sql, form)).path)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


def spooled(store: Store) -> list[Path]:
    return list(store.database.spool.iterdir()) if store.database.spool.exists() else []


async def test_jsonl_keeps_json_and_writes_no_number_that_json_lacks(store: Store) -> None:
    found = json.loads((await export(store, ODD)).read_text(encoding="utf-8"))
    assert found == {
        "big": 9007199254740993,
        "nan": "NaN",
        "inf": "-Infinity",
        "d": 1.5,
        "nothing": None,
        "j": {"a": [1, None]},
        "empty": "",
        "missing": None,
        "text": 'a,"b"\nc',
        "same": 1,
        "same_1": 2,
    }


async def test_csv_tells_null_from_an_empty_text(store: Store) -> None:
    path = await export(store, ODD, "csv")
    assert ',"",,' in path.read_text(encoding="utf-8")
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["big"], row["text"], row["j"]) == (
        "9007199254740993",
        'a,"b"\nc',
        '{"a": [1, null]}',
    )


async def test_parquet_keeps_long_integers_and_types(store: Store) -> None:
    path = await export(store, ODD, "parquet")
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(f"SELECT big, typeof(j), nan, same_1 FROM '{path}'").fetchall()
    assert found[0][:2] == (Decimal(9007199254740993), "JSON")
    assert found[0][3] == 2


@pytest.mark.parametrize("form", FORMS)
async def test_every_row_is_written_whatever_a_page_may_hold(store: Store, form: Format) -> None:
    rows = 5000
    file = await store.reader(Limits(max_rows=3)).export(f"FROM range({rows})", form)
    raw = read(file.path)
    assert (file.rows, file.bytes) == (rows, len(raw))
    if form == "parquet":
        with duckdb.connect(":memory:") as connection:
            counted = connection.execute(f"SELECT count(*) FROM '{file.path}'").fetchall()
        assert counted == [(rows,)]
        return
    text = (gzip.decompress(raw) if form.endswith(".gz") else raw).decode()
    assert len(text.splitlines()) == rows + form.startswith("csv")


async def test_events_come_out_as_they_came_in(store: Store) -> None:
    events: list[dict[str, Any]] = [
        {"n": 5, "s": "x", "deep": {"a": [1, None]}},
        {"n": "five"},
        {"big": 2**60 + 1},
    ]
    await load(store, [line(**event) for event in events])
    text = (await export(store, "SELECT properties FROM events")).read_text(encoding="utf-8")
    found = [json.loads(each)["properties"] for each in text.strip().split("\n")]
    for event in events:
        assert any(same({"time": 1735732800, **event}, one) for one in found)


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELEC 1", QueryError),
        ("EXPLAIN SELECT 1", NotReadOnlyError),
        ("SELECT 1) TO '/tmp/x' --", QueryError),
        ("COPY (SELECT 1) TO '/tmp/x'", NotReadOnlyError),
        ("FROM read_text('/etc/passwd')", NotReadOnlyError),
        ("SELECT error('late') FROM range(100000)", QueryError),
        ("SELECT $x", QueryError),
    ],
)
async def test_a_failed_export_leaves_nothing(store: Store, sql: str, error: type[MpError]) -> None:
    with pytest.raises(error):
        await store.reader().export(sql, "csv")
    assert spooled(store) == []


async def test_an_export_stops_at_its_time_limit_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(QueryTimeoutError):
        await store.reader().export(ENDLESS, "csv", timeout_s=0.1)
    await until(lambda: store.database.is_idle)
    assert spooled(store) == []


SLOW = "SELECT range, md5(range::VARCHAR) FROM range(1000000000)"


async def test_a_cancelled_export_leaves_nothing(store: Store) -> None:
    exporting = asyncio.create_task(store.reader().export(SLOW, "csv", timeout_s=30))
    await until(lambda: any(path.stat().st_size for path in store.database.spool.glob("*/*")))
    exporting.cancel()
    await asyncio.wait([exporting])
    assert exporting.cancelled()
    await until(lambda: store.database.is_idle)
    assert spooled(store) == []


@pytest.mark.parametrize("kind", ["export", "snapshot"])
async def test_a_caller_that_leaves_at_the_last_moment_leaves_nothing(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, go_on = threading.Event(), threading.Event()
    name = {"export": "copy_answer", "snapshot": "copy_database"}[kind]
    real = getattr(copies, name)

    def held(*arguments: Any) -> object:
        found: object = real(*arguments)
        written.set()
        assert go_on.wait(timeout=20)
        return found

    monkeypatch.setattr(copies, name, held)
    reader = store.reader()
    call = reader.export("SELECT 1", "csv") if kind == "export" else reader.snapshot()
    task = asyncio.ensure_future(call)
    await until(written.is_set)
    task.cancel()
    await asyncio.wait([task])
    go_on.set()
    await until(lambda: store.database.is_idle)
    assert spooled(store) == []


async def test_a_file_that_nobody_took_away_goes_after_an_hour(store: Store) -> None:
    forgotten, fresh = await export(store, "SELECT 1"), await export(store, "SELECT 2")
    past = time.time() - FORGOTTEN_AFTER_S - 1
    for path in (forgotten, forgotten.parent):
        os.utime(path, (past, past))
    await export(store, "SELECT 3")
    assert not forgotten.parent.exists()
    assert fresh.exists()


async def test_an_export_neither_blocks_a_writer_nor_waits_for_one(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def write(cursor: Cursor) -> None:
        cursor.execute("CREATE TABLE t AS SELECT 1 AS a")
        inside.set()
        assert go_on.wait(timeout=20)

    writing = asyncio.create_task(store.shared.queue.submit(write))
    await until(inside.is_set)
    with anyio.fail_after(10):
        await export(store, "FROM range(10)")
        await store.reader().snapshot()
    go_on.set()
    await writing
    exporting = asyncio.create_task(store.reader().export(SLOW, "csv"))
    await until(lambda: any(path.stat().st_size for path in store.database.spool.glob("*/a*")))
    with anyio.fail_after(10):
        await load(store, [line()])
    exporting.cancel()
    await asyncio.wait([exporting])


async def test_a_spool_that_cannot_be_made_is_a_clear_error(store: Store) -> None:
    store.database.spool.write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(DiskFullError) as caught:
        await store.reader().export("SELECT 1", "csv")
    assert "make it writable" in (caught.value.hint or "")


async def snapshot(store: Store) -> Path:
    return Path((await store.reader().snapshot()).path)


async def test_a_snapshot_opens_anywhere_with_its_views_and_macros(store: Store) -> None:
    await load(store, [line(plan="a", **{"rare/one": "x"}), line(plan="b")])
    await store.writer().save("kept", "SELECT plan FROM events")

    def others(cursor: Cursor) -> None:
        cursor.execute("CREATE VIEW above AS SELECT prop('rare/one') AS rare FROM events")
        cursor.execute("CREATE SCHEMA s")
        cursor.execute("CREATE TABLE s.t AS SELECT 1 AS a")
        cursor.execute("CREATE INDEX i ON s.t (a)")

    await store.shared.queue.submit(others)
    path = await snapshot(store)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "one file, no .wal"
    sql = "SELECT count(*), max(prop('rare/one')), max(properties->>'plan') FROM events"
    with duckdb.connect(path, read_only=True) as copy:
        assert copy.execute(sql).fetchall() == [(2, "x", "b")]
        assert copy.execute("SELECT count(rare) FROM above").fetchall() == [(1,)]
        assert copy.execute("SELECT count(*) FROM kept").fetchall() == [(2,)]
        assert copy.execute("FROM s.t").fetchall() == [(1,)]
        versions = copy.execute("SELECT tags FROM duckdb_databases()").fetchall()
    assert "v1.5" in str(versions)


async def test_a_snapshot_is_one_committed_state(store: Store) -> None:
    await load(store, [line(n=0)])
    done = asyncio.Event()

    async def write() -> None:
        for n in range(1, 12):
            await store.shared.queue.submit(
                lambda cursor, n=n: cursor.execute(  # type: ignore[misc]
                    f"CREATE OR REPLACE TABLE a AS SELECT {n} AS n;"
                    f" CREATE OR REPLACE TABLE b AS SELECT {n} AS n"
                )
            )
        done.set()

    writing = asyncio.create_task(write())
    seen = []
    while not done.is_set():
        with duckdb.connect(await snapshot(store), read_only=True) as copy:
            tables = [row[0] for row in copy.execute("SHOW TABLES").fetchall()]
            if "a" in tables:
                seen += copy.execute("SELECT a.n - b.n FROM a, b").fetchall()
    await writing
    assert set(seen) <= {(0,)}


async def test_snapshots_at_once_are_all_whole_and_the_file_stays_usable(store: Store) -> None:
    await load(store, [line(n=n) for n in range(500)])
    paths = await asyncio.gather(*(snapshot(store) for _ in range(4)))
    for path in paths:
        with duckdb.connect(path, read_only=True) as copy:
            assert copy.execute("SELECT count(*) FROM events").fetchall() == [(500,)]
    assert await value(store, "SELECT count(*) FROM duckdb_databases() WHERE NOT internal") == 1


async def test_a_cancelled_snapshot_lets_go_of_its_copy(store: Store) -> None:
    rows = "SELECT range AS a, md5(range::VARCHAR) AS b FROM range(3000000)"
    await store.shared.queue.submit(lambda cursor: cursor.execute(f"CREATE TABLE t AS {rows}"))
    copying = asyncio.create_task(store.reader().snapshot())
    await until(lambda: len(list(store.database.spool.glob("*/*"))) > 0)
    copying.cancel()
    await asyncio.wait([copying])
    await until(lambda: store.database.is_idle)
    assert spooled(store) == []
    assert await value(store, "SELECT count(*) FROM duckdb_databases() WHERE NOT internal") == 1
