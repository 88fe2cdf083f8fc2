"""Faults that need more rows than fit into one row group: some seconds each."""

from pathlib import Path

from mp_mcp.settings import Home
from tests.chaos.disks import SmallFiles
from tests.chaos.events import write_events
from tests.chaos.test_damaged_files import BLOCK, COUNT, FIRST_BLOCK, MOVE, is_refused, overwrite
from tests.chaos.test_full_disk import KB, counted, is_disk_full
from tests.processes.agents import mp


def test_blocks_that_do_not_fit_leave_the_database_as_it_was(
    offline: dict[str, str], home: Home, tmp_path: Path
) -> None:
    assert mp(offline, "load", str(write_events(tmp_path / "a.ndjson", 0, 30))).json["rows"] == 30
    disk = SmallFiles(home)
    disk.leave(10_000 * KB)
    # More than a row group, whose blocks are written before the commit.
    big = mp(offline, "load", str(write_events(tmp_path / "big.ndjson", 100_000, 130_000)))
    is_disk_full(big)
    assert "1001.db" in big.stderr
    assert counted(offline) == 30
    disk.free()
    assert mp(offline, "load", str(tmp_path / "big.ndjson")).json["rows"] == 130_000
    assert counted(offline) == 130_030


def test_damage_inside_is_found_by_the_query_that_reads_it_and_by_no_other(
    offline: dict[str, str], home: Home, tmp_path: Path
) -> None:
    big = write_events(tmp_path / "big.ndjson", 0, 130_000)
    assert mp(offline, "load", str(big)).json["rows"] == 130_000
    mp(offline, "load", "--table", "other", str(write_events(tmp_path / "b.ndjson", 0, 10)))
    mp(offline, "server", "stop")
    db = home.path / "data" / "1001.db"
    middle = FIRST_BLOCK + (db.stat().st_size // BLOCK // 2) * BLOCK
    overwrite(db, middle + 1000, b"\xff" * 16)
    is_refused(mp(offline, "query", "sql", COUNT), "checksum", MOVE)
    assert mp(offline, "query", "sql", "SELECT count(*) FROM other").rows == [[10]]
    assert mp(offline, "query", "sql", "SELECT count(*) FROM events").rows == [[130_000]]
    assert mp(offline, "load", "--table", "other", str(tmp_path / "b.ndjson")).json["rows"] == 0
