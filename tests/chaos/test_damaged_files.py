"""Files that are damaged, foreign, newer or gone: what is said, and what is still there after."""

import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.chaos.events import write_events
from tests.processes.agents import Finished, bare_environ, mp
from tests.processes.waiting import wait_until

COUNT = "SELECT count(*), count(DISTINCT noise) FROM events"
BLOCK, FIRST_BLOCK = 262_144, 12_288
VERSION_AT = 12


def overwrite(file: Path, offset: int, content: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        opened.write(content)


def spoil_header(db: Path) -> None:
    overwrite(db, 0, bytes(64))


def cut_short(db: Path) -> None:
    os.truncate(db, 20_000)


def empty(db: Path) -> None:
    os.truncate(db, 0)


def garble(db: Path) -> None:
    db.write_bytes(os.urandom(100_000))


def spoil_every_block(db: Path) -> None:
    for start in range(FIRST_BLOCK, db.stat().st_size, BLOCK):
        overwrite(db, start + 1000, b"\xff" * 16)


def raise_format(db: Path) -> None:
    """The version of a future DuckDB, with the checksum that belongs to it."""
    overwrite(db, VERSION_AT, (999).to_bytes(8, "little"))
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect(db)
    found = re.search(r"computed checksum (\d+)", str(caught.value))
    assert found, caught.value
    overwrite(db, 0, int(found[1]).to_bytes(8, "little"))


def raise_layout(db: Path) -> None:
    with duckdb.connect(db) as connection:
        connection.execute("UPDATE _mp.meta SET value = '99' WHERE name = 'version'")


def become_a_folder(db: Path) -> None:
    db.unlink()
    db.mkdir()


def garble_log(db: Path) -> None:
    log = wal(db)
    overwrite(log, log.stat().st_size // 2, b"\xff" * 16)


def take_another_log(db: Path) -> None:
    """The log of another file."""
    other = db.with_name("other.db")
    with duckdb.connect(other, config={"storage_compatibility_version": "v1.5.0"}) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("CREATE TABLE other AS FROM range(50)")
        connection.execute("CHECKPOINT")
        connection.execute("INSERT INTO other FROM range(50)")
    wal(other).replace(wal(db))
    other.unlink()


def wal(db: Path) -> Path:
    return db.with_name(f"{db.name}.wal")


MOVE = "(with its .wal file) away"
MOVE_LOG = ".wal away: the file opens"


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`closed.db` with 2,000 events; `killed.db` with 30 more that are only in its log."""
    folder = tmp_path_factory.mktemp("originals")
    home = Home(folder / "mp")
    environ = bare_environ() | {"MP_HOME": str(home.path), "MP_PROJECT_ID": "1001"}
    db = home.path / "data" / "1001.db"
    assert mp(environ, "load", str(write_events(folder / "a.ndjson", 0, 2000))).json["rows"] == 2000
    mp(environ, "server", "stop")
    shutil.copy(db, folder / "closed.db")
    assert mp(environ, "load", str(write_events(folder / "b.ndjson", 5000, 30))).json["rows"] == 30
    os.kill(lease.server_info(home)["pid"], signal.SIGKILL)
    wait_until(lambda: not lease.is_held(home))
    shutil.copy(db, folder / "killed.db")
    shutil.copy(wal(db), folder / "killed.db.wal")
    return folder


@pytest.fixture
def db(home: Home, originals: Path) -> Path:
    """A file with 2,000 events, which no program has open."""
    db = home.path / "data" / "1001.db"
    db.parent.mkdir()
    return Path(shutil.copy(originals / "closed.db", db))


@pytest.fixture
def left_behind(db: Path, originals: Path) -> Path:
    """The same file after a server that was killed."""
    shutil.copy(originals / "killed.db", db)
    shutil.copy(originals / "killed.db.wal", wal(db))
    return db


def is_refused(finished: Finished, says: str, hint: str, code: int = 1) -> None:
    assert (finished.code, finished.stdout) == (code, ""), finished
    error, remedy = finished.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: "), finished
    assert says in error, finished
    assert remedy.startswith("hint: "), finished
    assert hint in remedy, finished


@pytest.mark.parametrize(
    ("damage", "says", "hint"),
    [
        (spoil_header, "not a valid DuckDB database file", MOVE),
        (cut_short, "Could not read enough bytes", MOVE),
        (empty, "not a valid DuckDB database file", MOVE),
        (garble, "not a valid DuckDB database file", MOVE),
        (spoil_every_block, "checksum", MOVE),
        (raise_format, "Unsupported Storage Version", "A newer DuckDB wrote it: update mp-mcp"),
        (raise_layout, "layout 99", "A newer mp wrote it: update mp-mcp"),
        (become_a_folder, "Is a directory", "is a file"),
        (take_another_log, "WAL", MOVE_LOG),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_file_that_cannot_be_used_is_refused_with_the_remedy_and_left_alone(
    offline: dict[str, str],
    home: Home,
    db: Path,
    originals: Path,
    tmp_path: Path,
    damage: Callable[[Path], None],
    says: str,
    hint: str,
) -> None:
    damage(db)
    before = [(file.name, file.stat().st_size) for file in sorted(db.parent.iterdir())]
    for words in (
        ("query", "sql", COUNT),
        ("load", str(originals / "a.ndjson")),
        ("inspect", "tables"),
    ):
        is_refused(mp(offline, *words), says, hint)
    assert [(file.name, file.stat().st_size) for file in sorted(db.parent.iterdir())] == before
    pid = lease.server_info(home)["pid"]
    # What does not need the file works, in the same server.
    assert mp(offline, "server", "status").json["pid"] == pid
    assert says in home.server_log.read_text(encoding="utf-8")
    # The remedy, without a restart.
    if hint is MOVE_LOG:
        wal(db).rename(tmp_path / "moved.wal")
    else:
        db.rename(tmp_path / "moved.db")
        shutil.copy(originals / "closed.db", db)
    assert mp(offline, "query", "sql", COUNT).rows == [[2000, 2000]]
    assert lease.server_info(home)["pid"] == pid


def test_what_a_killed_server_had_committed_is_there(
    offline: dict[str, str], left_behind: Path
) -> None:
    assert mp(offline, "query", "sql", COUNT).rows == [[2030, 2030]]


def test_a_damaged_log_is_refused_and_what_was_in_the_file_comes_back(
    offline: dict[str, str], left_behind: Path, originals: Path, tmp_path: Path
) -> None:
    garble_log(left_behind)
    for _ in range(2):
        is_refused(mp(offline, "query", "sql", COUNT), "WAL", MOVE_LOG)
    assert wal(left_behind).stat().st_size > 1000
    wal(left_behind).rename(tmp_path / "moved.wal")
    assert mp(offline, "query", "sql", COUNT).rows == [[2000, 2000]]
    assert mp(offline, "load", str(originals / "b.ndjson")).json["rows"] == 30


def test_a_log_of_an_older_state_of_the_file_is_refused(
    offline: dict[str, str], left_behind: Path, originals: Path, tmp_path: Path
) -> None:
    shutil.copy(wal(left_behind), tmp_path / "old.wal")
    assert mp(offline, "query", "sql", COUNT).rows == [[2030, 2030]]
    mp(offline, "server", "stop")
    shutil.copy(tmp_path / "old.wal", wal(left_behind))
    is_refused(mp(offline, "query", "sql", COUNT), "WAL", MOVE_LOG)
    wal(left_behind).unlink()
    assert mp(offline, "query", "sql", COUNT).rows == [[2030, 2030]]


def test_a_torn_end_of_the_log_costs_the_last_write_only(
    offline: dict[str, str], left_behind: Path, originals: Path, tmp_path: Path
) -> None:
    os.truncate(wal(left_behind), wal(left_behind).stat().st_size - 40)
    assert mp(offline, "query", "sql", COUNT).rows == [[2000, 2000]]
    assert mp(offline, "load", str(originals / "b.ndjson")).json["rows"] == 30
