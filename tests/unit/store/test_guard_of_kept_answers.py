"""SQL whose answer is kept or exported is judged like any query, and hostile SQL gets nowhere."""

from pathlib import Path

import pytest

from mp_mcp.errors import MpError
from mp_mcp.store.open_store import Store
from mp_mcp.store.reads import Limits
from mp_mcp.store.write_queue import WriteQueue
from tests.unit.store.harmless import HARMLESS
from tests.unit.store.hostile import HOSTILE

pytestmark = pytest.mark.anyio

LIMITS = Limits(timeout_s=10, max_timeout_s=10)


async def test_hostile_sql_is_neither_kept_nor_exported(
    store: Store, queue: WriteQueue, tmp_path: Path
) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS a"))
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "in.csv").write_text("a\n99\n")
    places = {"db": store.database.path, "spool": spool, "file": spool / "in.csv"}
    writer, reader = store.writer(LIMITS), store.reader(LIMITS)
    for template in HOSTILE:
        sql = template
        for name, place in places.items():
            sql = sql.replace("{" + name + "}", str(place))
        with pytest.raises(MpError):
            await writer.save("kept", sql, replace=True)
        with pytest.raises(MpError) as caught:
            await reader.export(sql, "csv")
        assert caught.value.hint, sql[:100]
    assert (await store.reader().query("SELECT list(a) FROM t", limit=1)).rows == [[[1]]]
    assert [info.name for info in await store.reader().tables()] == ["t"]
    assert [file.name for file in spool.iterdir()] == ["in.csv"]


async def test_harmless_selects_are_kept_and_exported(store: Store, queue: WriteQueue) -> None:
    await queue.submit(lambda cursor: cursor.execute("CREATE TABLE t AS FROM range(1, 9) AS r(a)"))
    writer, reader = store.writer(), store.reader()
    failed = []
    for sql in HARMLESS:
        if sql.startswith(("EXPLAIN", "SHOW", "DESCRIBE", "SUMMARIZE")):
            continue
        try:
            await writer.save("kept", sql, replace=True)
            for form in ("parquet", "csv", "jsonl"):
                await reader.export(sql, form)
        except MpError as error:
            failed.append((sql, error.message))
    assert failed == []
