"""A few kills under a mixed load; `make chaos` makes many. And the auditor itself can tell.

The seed is a fixed one in `make test`: what a storm meets still differs with the machine's clock.
"""

import os
import random
import shutil
from pathlib import Path

import duckdb
import pytest

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.chaos.audit import audit_data, audit_folder, audit_server
from tests.chaos.ledger import Batches, Ledger, Outcome, Version
from tests.chaos.storm import storm
from tests.chaos.workers import write_batch
from tests.processes.agents import Agent, bare_environ, mp
from tests.processes.foreign import database

DONE, UNKNOWN, REFUSED = Outcome("done"), Outcome("unknown"), Outcome("refused")


IS_LONG = bool(os.environ.get("MP_TEST_CHAOS"))
SEED, ROUNDS = (str(random.SystemRandom().randrange(10**6)), 6) if IS_LONG else ("5", 1)


def test_kills_lose_nothing_double_nothing_and_leave_nothing() -> None:
    with storm(SEED) as running:
        problems = [running.round(5) for _ in range(ROUNDS)]
        assert problems == [[]] * ROUNDS, f"seed {SEED}"
        assert running.result.kills >= 5 * ROUNDS
        assert running.result.writes > 0


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, mixpanel: Running) -> Path:
    """The state folder of a server that has left, with a table of each kind."""
    folder = tmp_path_factory.mktemp("original")
    environ = bare_environ() | {"MP_HOME": str(folder / "mp")} | mixpanel.environ()
    mp(environ, "fetch", "events", "--from", "2025-03-01", "--to", "2025-03-02")
    write_batch(folder / "0.ndjson", 0, 5)
    mp(environ, "load", str(folder / "0.ndjson"), "--table", "loads_w")
    mp(environ, "save", "table", "saved_w_0", "SELECT 1 AS v, range AS n FROM range(3)")
    mp(environ, "server", "stop")
    assert list(audit_folder(Home(folder / "mp"), [])) == []
    return database(Home(folder / "mp"), environ)


@pytest.fixture
def file(original: Path, tmp_path: Path) -> Path:
    """A copy of its database."""
    return Path(shutil.copy(original, tmp_path / "1001.db"))


def known() -> Ledger:
    """What clients were told about that database."""
    ledger = Ledger()
    ledger.changed("saved_w_0", Version(1, 3), DONE)
    ledger.batches["loads_w"] = Batches(sure={0: 5})
    ledger.fetched("events", {"2025-03-01", "2025-03-02"}, DONE)
    return ledger


def test_an_audit_of_what_was_told_finds_nothing(file: Path, mixpanel: Running) -> None:
    assert list(audit_data(file, known(), mixpanel)) == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DELETE FROM saved_w_0 WHERE n = 1", "saved_w_0 is Version(number=1, rows=2)"),
        ("UPDATE saved_w_0 SET v = 2 WHERE n = 1", "saved_w_0 is mixed: 1 to 2"),
        ("INSERT INTO saved_w_0 SELECT 1, 1", "4 rows, 3 different"),
        ("DROP TABLE saved_w_0", "saved_w_0 is None"),
        ("DELETE FROM _mp.data_loads_w WHERE rowid = 0", "batch 0 has (4, 4) of 5 rows"),
        ("INSERT INTO _mp.data_loads_w FROM _mp.data_loads_w", "batch 0 has (10, 5) of 5 rows"),
        ("DELETE FROM _mp.data_events WHERE rowid = 0", "events: 2025-03-"),
        ("DELETE FROM _mp.data_events WHERE day = '2025-03-02'", "2025-03-02 has None, the truth"),
        ("DELETE FROM _mp.coverage WHERE day = '2025-03-02'", "rows and is not complete"),
        ("DELETE FROM _mp.coverage WHERE day = '2025-03-02'", "2025-03-02 was told to be complete"),
        ("CREATE TABLE stranger (a INT)", "nobody made stranger"),
    ],
)
def test_the_auditor_of_rows_can_tell(
    file: Path, mixpanel: Running, damage: str, says: str
) -> None:
    with duckdb.connect(file) as connection:
        connection.execute(damage)
    found = list(audit_data(file, known(), mixpanel))
    assert [one for one in found if says in one], found


def test_the_auditor_of_processes_and_files_can_tell(home: Home, offline: dict[str, str]) -> None:
    with Agent(offline) as agent:
        agent.call("query_sql", sql="SELECT 1")
        left = home.path / "spool" / "1001" / "load-1"
        left.mkdir(parents=True)
        assert [f"still in the spool: {left}"] == list(audit_server(home, 1))
        found = "\n".join(audit_folder(home, [agent.process.pid]))
    for sign in ("a process is left", "run/mp.sock is left", f"in the spool: {left}", ".wal"):
        assert sign in found


def test_the_ledger_knows_what_an_answer_proves() -> None:
    ledger = Ledger()
    for number, outcome, may_be in (
        (1, REFUSED, {None}),
        (2, UNKNOWN, {None, Version(2, 1)}),
        (3, REFUSED, {None, Version(2, 1)}),
        (4, DONE, {Version(4, 1)}),
        (5, UNKNOWN, {Version(4, 1), Version(5, 1)}),
    ):
        ledger.changed("t", Version(number, 1), outcome)
        assert ledger.may_hold("t") == may_be
    ledger.loaded("l", 0, 5, UNKNOWN)
    ledger.loaded("l", 0, 5, DONE)
    ledger.loaded("l", 0, 5, UNKNOWN)
    assert ledger.batches["l"] == Batches(sure={0: 5})
