"""state.db: kept through restarts, and never the reason that a call fails."""

import logging
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mp_mcp.errors import SettingsError
from mp_mcp.state import MIGRATIONS, State, open_state

INSERT = "INSERT INTO budget_unit VALUES (NULL, 'p', 'query', ?, 1, 1)"
KILLED = """
import os, pathlib, signal, sys
from mp_mcp.state import open_state
open_state(pathlib.Path(sys.argv[1])).change(sys.argv[2], 1.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def units(state: State) -> list[float]:
    return [row[0] for row in state.rows("SELECT started FROM budget_unit ORDER BY 1")]


def stored(path: Path) -> list[float]:
    state = open_state(path)
    try:
        return units(state)
    finally:
        state.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    first = open_state(path)
    first.change(INSERT, 1.0)
    salt = first.salt
    first.close()
    second = open_state(path)
    assert (units(second), second.salt) == ([1.0], salt)
    second.close()


def test_what_was_written_survives_a_process_that_is_killed(path: Path) -> None:
    program = [sys.executable, "-c", KILLED, str(path), INSERT]
    assert subprocess.run(program, timeout=60).returncode == -signal.SIGKILL
    state = open_state(path)
    assert units(state) == [1.0]
    state.close()


def test_another_program_that_looks_into_the_file_cannot_lock_us_out(path: Path) -> None:
    state = open_state(path)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite3.connect(path, timeout=0).execute("SELECT * FROM salt")
    state.change(INSERT, 1.0)
    state.close()
    assert stored(path) == [1.0]


def test_a_file_that_another_program_holds_is_done_without(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_state(path).close()
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN EXCLUSIVE")
    state = open_state(path)
    state.change(INSERT, 1.0)
    assert units(state) == [1.0]
    assert "in memory" in caplog.text
    foreign.close()


def test_two_files_have_two_salts(tmp_path: Path) -> None:
    one, other = (open_state(tmp_path / name) for name in ("a.db", "b.db"))
    assert len(one.salt) == 32
    assert one.salt != other.salt
    one.close()
    other.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    open_state(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    newer.commit()
    newer.close()
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="newer") as caught:
        open_state(path)
    assert "Update" in str(caught.value.hint)
    assert path.read_bytes() == before


def test_an_empty_file_of_version_zero_is_migrated(path: Path) -> None:
    sqlite3.connect(path).close()
    state = open_state(path)
    assert state.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
    state.close()


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"this is no database" * 1000)
    state = open_state(path)
    state.change(INSERT, 1.0)
    assert units(state) == [1.0]
    assert path.with_suffix(".damaged").read_bytes().startswith(b"this is no database")
    assert "set aside" in caplog.text
    state.close()


def test_a_file_whose_tables_somebody_changed_is_set_aside(path: Path) -> None:
    open_state(path).close()
    changed = sqlite3.connect(path)
    changed.execute("ALTER TABLE budget_unit DROP COLUMN units")
    changed.commit()
    changed.close()
    state = open_state(path)
    state.change(INSERT, 1.0)
    assert (units(state), state.is_kept) == ([1.0], True)
    assert path.with_suffix(".damaged").exists()
    state.close()


def test_without_a_file_the_state_lives_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = open_state(tmp_path / "absent" / "state.db")
    state.change(INSERT, 1.0)
    assert units(state) == [1.0]
    assert "in memory" in caplog.text
    assert not state.is_kept
    state.close()


def test_a_file_that_cannot_be_written_any_more_goes_on_in_memory_with_what_it_had(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    open_state(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(INSERT, (1.0,))
    state = State(connection)
    connection.execute("PRAGMA query_only=ON")  # as on a disk that is full: reads go on
    state.change(INSERT, 2.0)
    assert units(state) == [1.0, 2.0]
    assert "in memory" in caplog.text
    state.close()


def test_a_mistake_of_ours_is_not_hidden_and_does_not_cost_the_file(path: Path) -> None:
    state = open_state(path)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        state.rows("SELECT * FROM nowhere")
    state.change(INSERT, 1.0)
    state.close()
    assert stored(path) == [1.0]
