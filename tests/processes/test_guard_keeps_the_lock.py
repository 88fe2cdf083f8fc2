"""Whatever SQL is sent, the file stays ours: seen from another process, after each statement."""

from pathlib import Path

import pytest

from mp_mcp.errors import MpError
from mp_mcp.store.open_store import Files
from mp_mcp.store.reads import Limits
from tests.processes.foreign import foreign_program
from tests.unit.store.hostile import HARMLESS, HOSTILE

pytestmark = pytest.mark.anyio


async def test_no_statement_drops_the_lock(tmp_path: Path) -> None:
    files = Files()
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "in.csv").write_text("a\n99\n")
    store = files.store(tmp_path / "data" / "7.db", spool=spool)
    path = store.database.path
    await store.shared.queue.submit(
        lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS a")
    )
    judgements = [*((sql, False) for sql in HOSTILE), *((sql, True) for sql in HARMLESS)]
    with foreign_program(path) as foreign:
        assert foreign.tries() == "locked"
        for template, may_run in judgements:
            sql = template.replace("{db}", str(path)).replace("{spool}", str(spool))
            sql = sql.replace("{file}", str(spool / "in.csv"))
            try:
                await store.reader(Limits(timeout_s=10)).query(sql, limit=10)
                ran = True
            except MpError:
                ran = False
            assert ran == may_run, sql[:200]
            assert foreign.tries() == "locked", sql[:200]
        await files.close()
        assert foreign.tries() == "opened"


async def test_the_check_itself_can_tell(tmp_path: Path) -> None:
    """Without a guard the lock is lost: the reason for it, and the proof that the test sees it."""
    files = Files()
    store = files.store(tmp_path / "data" / "7.db", spool=tmp_path / "spool")
    path = store.database.path
    with foreign_program(path) as foreign:
        await store.reader().tables()
        assert foreign.tries() == "locked"
        await store.database.run(
            lambda cursor: cursor.execute(
                f"SELECT octet_length(content) FROM read_blob('{path}')"
            ).fetchall()
        )
        assert foreign.tries() == "opened"
        await files.close()
