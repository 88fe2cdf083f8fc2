"""A disk that runs full: in the spool, the database, its write-ahead log, and at the start."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from mp_mcp.demo.running import Running
from mp_mcp.errors import DiskFullError
from mp_mcp.server import lease
from mp_mcp.settings import Home
from mp_mcp.store.translate import translate
from tests.chaos.disks import Disk, SmallDisk, SmallFiles, limited, mounted
from tests.chaos.events import write_events
from tests.processes.agents import BIN, Agent, Finished, mp

COUNT = "SELECT count(*), count(DISTINCT insert_id), sum(length(noise)) > 0 FROM events"
KB = 1024
SMALL, BIG = 300, 19_200
ROOMS = (
    *((room * KB, SMALL) for room in (0, 4, 20, 60, 120, 180, 300)),
    *((room * KB, BIG) for room in (2000, 7000, 11_000, 20_000)),
    *((room * KB, BIG) for room in range(0, 20_000, 700) if os.environ.get("MP_TEST_CHAOS")),
)
"""Bytes left on the disk, and events to load: it runs full in one place after the other."""


KINDS = ["small disk", "small files"]


@pytest.fixture(params=KINDS if os.environ.get("MP_TEST_CHAOS") else KINDS[:1])
def disk(request: pytest.FixtureRequest, home: Home) -> Iterator[Disk]:
    """Both ways where this machine lets us mount; else the second one, twice."""
    wants_mount = request.param == "small disk"
    if not wants_mount:
        yield SmallFiles(home)
        return
    with mounted(home.path) as is_mounted:
        yield SmallDisk(home.path) if is_mounted else SmallFiles(home)
        if is_mounted:
            # The server is ended before its folder goes.
            mp({"MP_HOME": str(home.path), "PATH": "/usr/bin:/bin"}, "server", "stop")
            _has_no_traceback(home)


def _has_no_traceback(home: Home) -> None:
    for log in home.logs.iterdir():
        assert "Traceback" not in log.read_text(encoding="utf-8")


def is_disk_full(finished: Finished) -> None:
    assert finished.code == 1, finished
    assert finished.stdout == ""
    error, hint = finished.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: "), finished
    assert "space" in error or "full" in error, finished
    assert "ree " in hint and "space" in hint, finished


def counted(environ: dict[str, str]) -> int:
    total, distinct, has_noise = mp(environ, "query", "sql", COUNT).rows[0]
    assert (total, has_noise) == (distinct, True)
    return int(total)


def test_a_load_that_fills_the_disk_comes_in_whole_or_not_at_all(
    offline: dict[str, str], home: Home, disk: Disk, tmp_path: Path
) -> None:
    rows = 30
    first = write_events(tmp_path / "first.ndjson", 0, rows)
    assert mp(offline, "load", str(first)).json["rows"] == rows
    pid = lease.server_info(home)["pid"]
    outcomes = []
    for number, (room, count) in enumerate(ROOMS, 1):
        file = write_events(tmp_path / f"{number}.ndjson", number * 100_000, count)
        disk.leave(room)
        loaded = mp(offline, "load", str(file))
        outcomes.append(loaded.code)
        if loaded.code:
            is_disk_full(loaded)
        else:
            rows += loaded.json["rows"]
        assert counted(offline) == rows, f"with {room} bytes left"
        disk.free()
    assert 1 in outcomes, "the disk was never full"
    last = write_events(tmp_path / "last.ndjson", 90_000_000, 50)
    assert mp(offline, "load", str(last)).json["rows"] == 50
    assert counted(offline) == rows + 50
    assert lease.server_info(home)["pid"] == pid
    assert "disk_full: " in home.server_log.read_text(encoding="utf-8")
    mp(offline, "server", "stop")
    assert counted(offline) == rows + 50


def test_a_fetch_that_fills_the_disk_keeps_its_whole_days_and_goes_on_later(
    environ: dict[str, str], mixpanel: Running, disk: Disk
) -> None:
    days = ("--from", "2025-03-01", "--to", "2025-03-10")
    assert mp(environ, "query", "sql", "SELECT 1").rows == [[1]]
    disk.leave(40 * KB)
    is_disk_full(mp(environ, "fetch", "events", *days))
    assert mp(environ, "query", "sql", "SELECT 1").rows == [[1]]
    disk.free()
    mp(environ, "fetch", "events", *days)
    assert mp(environ, "fetch", "events", "whole", *days).json["project"] == "1001"
    both = "SELECT count(*), count(DISTINCT insert_id) FROM "
    assert mp(environ, "query", "sql", f"{both} events").rows == (
        mp(environ, "query", "sql", f"{both} whole").rows
    )


def test_a_server_that_starts_on_a_full_disk_still_answers(
    offline: dict[str, str], tmp_path: Path
) -> None:
    assert mp(offline, "load", str(write_events(tmp_path / "a.ndjson", 0, 30))).json["rows"] == 30
    mp(offline, "server", "stop")
    with Agent(offline, command=limited(0, BIN / "mp-mcp")) as agent:
        assert agent.call("query_sql", sql=COUNT)["rows"] == [[30, 30, True]]
        is_disk_full(mp(offline, "load", str(write_events(tmp_path / "b.ndjson", 50, 30))))
        assert counted(offline) == 30
        assert mp(offline, "server", "stop").json["stopped"]
    assert mp(offline, "load", str(tmp_path / "b.ndjson")).json["rows"] == 30
    assert counted(offline) == 60


def test_a_query_that_finds_no_room_for_its_temporary_files_says_so(tmp_path: Path) -> None:
    places = {"temp_directory": str(tmp_path), "max_temp_directory_size": "1MiB"}
    with duckdb.connect(config={"memory_limit": "60MB", "threads": "1", **places}) as connection:
        with pytest.raises(duckdb.Error) as caught:
            connection.execute("SELECT * FROM range(30000000) ORDER BY hash(range)").fetchall()
        refused = translate(caught.value, tmp_path / "7.db")
        assert isinstance(refused, DiskFullError), refused
        assert "Free space" in (refused.hint or "")
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
