"""`mp export` and `mp snapshot`: whole files for people, while others read and write."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.processes.agents import BIN, PATIENCE_S, Agent, Command, mp
from tests.processes.foreign import database, foreign_program
from tests.processes.waiting import wait_until

DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
SLOW = "SELECT range, md5(range::VARCHAR) AS text FROM range(1000000000)"


@pytest.fixture
def events(environ: dict[str, str], mixpanel: Running) -> int:
    """Two days of events in the table `events`; how many."""
    found = mp(environ, "fetch", "events", "--from", DAYS["from_date"], "--to", DAYS["to_date"])
    assert found.json["rows"] == mixpanel.truth(**DAYS)["events"]
    return int(found.json["rows"])


def spooled(home: Home) -> list[Path]:
    return list(home.path.glob("spool/*/export-*"))


def test_every_ending_gives_a_whole_file_and_the_spool_is_empty(
    environ: dict[str, str], home: Home, events: int, tmp_path: Path
) -> None:
    for ending in ("parquet", "csv", "csv.gz", "jsonl", "ndjson.gz"):
        file = tmp_path / f"out.{ending}"
        found = mp(environ, "export", "SELECT * FROM events", str(file)).json
        assert (found["rows"], found["bytes"]) == (events, file.stat().st_size)
        assert (found["file"], "spooled" in found) == (str(file), False)
    with duckdb.connect(":memory:") as connection:
        for ending in ("parquet", "csv", "csv.gz"):
            sql = f"SELECT count(*), count(event) FROM '{tmp_path}/out.{ending}'"
            assert connection.execute(sql).fetchall() == [(events, events)]
    # Not splitlines: texts of JSON may hold what Unicode takes for the end of a line.
    lines = (tmp_path / "out.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")
    packed = gzip.decompress((tmp_path / "out.ndjson.gz").read_bytes()).removesuffix(b"\n")
    assert sorted(lines) == sorted(packed.split(b"\n"))
    assert all(isinstance(json.loads(line)["properties"], dict) for line in lines)
    assert spooled(home) == []


def test_a_relative_name_is_in_the_folder_of_the_person_and_has_its_mode(
    environ: dict[str, str], tmp_path: Path
) -> None:
    command = f"cd {tmp_path} && umask 027 && {BIN}/mp export 'SELECT 1 AS a' a.csv"
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environ, check=True, capture_output=True, timeout=PATIENCE_S
    )
    assert done.stderr == b""
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "a\n1\n"
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("sql", "name", "code", "says"),
    [
        ("SELEC 1", "a.csv", 3, "syntax error"),
        ("SELECT 1", "a.xls", 3, "names no format"),
        ("SELECT 1", "no folder/a.csv", 3, "no folder"),
        ("FROM nothing", "a.csv", 4, "no table nothing"),
        ("DROP VIEW events", "a.csv", 3, "Only one SELECT"),
        ("SELECT error('late') FROM range(99999)", "a.csv", 3, "late"),
    ],
)
def test_a_failure_is_two_lines_and_no_file(
    environ: dict[str, str], home: Home, tmp_path: Path, sql: str, name: str, code: int, says: str
) -> None:
    found = mp(environ, "export", sql, str(tmp_path / name))
    assert (found.code, found.stdout) == (code, "")
    error, hint = found.stderr.strip().splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith("hint: ")
    assert list(tmp_path.iterdir()) == []
    assert spooled(home) == []


def test_a_file_is_replaced_only_by_force(environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("mine", encoding="utf-8")
    refused = mp(environ, "export", "SELECT 1 AS a", str(file))
    assert (refused.code, file.read_text(encoding="utf-8")) == (3, "mine")
    assert "--force" in refused.stderr
    for flag in ("--force", "-y"):
        assert mp(environ, "export", "SELECT 1 AS a", str(file), flag).code == 0
        assert file.read_text(encoding="utf-8") == "a\n1\n"
        file.write_text("mine", encoding="utf-8")


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another disk than the state folder, where this machine has one."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    yield path
    shutil.rmtree(path)


def test_a_file_arrives_whole_on_another_disk(
    environ: dict[str, str], home: Home, events: int, other_disk: Path
) -> None:
    file = other_disk / "events.parquet"
    assert mp(environ, "export", "SELECT * FROM events", str(file)).json["rows"] == events
    with duckdb.connect(":memory:") as connection:
        assert connection.execute(f"SELECT count(*) FROM '{file}'").fetchall() == [(events,)]
    assert list(other_disk.iterdir()) == [file]
    assert spooled(home) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_export_that_is_interrupted_stops_and_leaves_nothing(
    environ: dict[str, str], home: Home, tmp_path: Path, number: signal.Signals
) -> None:
    exporting = Command(environ, "export", SLOW, str(tmp_path / "a.csv"))
    wait_until(lambda: any(path.stat().st_size for path in home.path.glob("spool/*/export-*/*")))
    exporting.process.send_signal(number)
    assert exporting.finish().code == (130 if number == signal.SIGINT else -9)
    wait_until(lambda: spooled(home) == [])
    assert list(tmp_path.iterdir()) == []
    calls = mp(environ, "server", "status", "-f", "json").json
    assert "export_sql" not in json.dumps(calls)


def test_an_export_stops_at_its_time_limit(
    environ: dict[str, str], home: Home, tmp_path: Path
) -> None:
    found = mp(environ, "export", SLOW, str(tmp_path / "a.csv"), "--timeout", "0.3")
    assert found.code == 3
    assert "time limit of 0.3 s" in found.stderr
    wait_until(lambda: spooled(home) == [])


def test_others_read_and_write_during_a_long_export(
    environ: dict[str, str], home: Home, events: int, tmp_path: Path
) -> None:
    exporting = Command(environ, "export", SLOW, str(tmp_path / "a.csv"))
    wait_until(lambda: any(path.stat().st_size for path in home.path.glob("spool/*/export-*/*")))
    with Agent(environ) as agent:
        assert agent.call("fetch_events", **DAYS)["rows"] == events
        found = agent.call("query_sql", sql="SELECT count(*) FROM events")
        assert found["rows"] == [[events]]
        assert mp(environ, "snapshot", str(tmp_path / "copy.db")).code == 0
    assert exporting.process.poll() is None
    exporting.process.send_signal(signal.SIGINT)
    exporting.finish()


def test_two_people_export_and_copy_at_once(
    environ: dict[str, str], home: Home, events: int, tmp_path: Path
) -> None:
    def export(number: int) -> object:
        file = tmp_path / f"{number}.jsonl"
        return mp(environ, "export", "SELECT * FROM events", str(file)).json["rows"]

    def copy(number: int) -> object:
        file = tmp_path / f"{number}.db"
        assert mp(environ, "snapshot", str(file)).code == 0
        with duckdb.connect(file, read_only=True) as opened:
            row = opened.execute("SELECT count(*) FROM events").fetchone()
        return row and row[0]

    with ThreadPoolExecutor(6) as threads:
        found = [*threads.map(export, range(3)), *threads.map(copy, range(3))]
    assert found == [events] * 6
    assert spooled(home) == []


def test_a_snapshot_works_in_any_duckdb_program(
    environ: dict[str, str], home: Home, events: int, tmp_path: Path
) -> None:
    file = tmp_path / "copy.duckdb"
    found = mp(environ, "snapshot", str(file)).json
    assert (found["bytes"], found["file"]) == (file.stat().st_size, str(file))
    assert list(tmp_path.iterdir()) == [file], "no .wal"
    sql = "SELECT count(*), count(prop('time')), count(properties) FROM events"
    # The shell of DuckDB 1.5, which is older than the program that wrote it.
    done = subprocess.run(
        [BIN / "duckdb", "-csv", "-noheader", file, sql], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == f"{events},{events},{events}", done
    with foreign_program(file) as foreign:
        assert foreign.opens() == "opened", "nobody holds it"
        assert foreign.runs("SELECT count(*) FROM events") == [[events]]
    assert spooled(home) == []


def test_files_come_out_while_a_notebook_keeps_the_database_from_being_written(
    environ: dict[str, str], home: Home, events: int, tmp_path: Path
) -> None:
    mp(environ, "server", "stop")
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens(read_only=True) == "opened"
        file, copy = tmp_path / "a.csv", tmp_path / "copy.db"
        assert mp(environ, "export", "FROM events", str(file)).json["rows"] == events
        assert mp(environ, "snapshot", str(copy)).code == 0
        refused = mp(environ | {"MP_LOCK_WAIT": "0.1"}, "save", "table", "kept", "SELECT 1")
        assert (refused.code, "notebook" in refused.stdout) == (6, False)
    with duckdb.connect(copy, read_only=True) as opened:
        assert opened.execute("SELECT count(*) FROM events").fetchall() == [(events,)]


def test_agents_neither_see_nor_reach_what_writes_files(environ: dict[str, str]) -> None:
    with Agent(environ) as agent:
        listed = {tool["name"] for tool in agent.request("tools/list")["tools"]}
        assert listed.isdisjoint({"export_sql", "snapshot_database"})
        assert agent.error("export_sql", sql="SELECT 1", file="/tmp/x.csv")["code"] == "usage"
