"""Folders and files that may not be written or read: reads go on where they can."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from tests.chaos.disks import obedient
from tests.chaos.events import write_events
from tests.processes.agents import BIN, Agent, Finished, mp

COUNT = "SELECT count(*) FROM events"


@pytest.fixture
def new(tmp_path: Path) -> str:
    """A file with 30 events that are not loaded yet."""
    return str(write_events(tmp_path / "new.ndjson", 5000, 30))


@pytest.fixture
def agent(offline: dict[str, str], home: Home, tmp_path: Path) -> Iterator[Agent]:
    """The client of a server that permissions hold for, with 30 events, and no file open yet."""
    old = str(write_events(tmp_path / "old.ndjson", 0, 30))
    assert mp(offline, "load", old).json["rows"] == 30
    mp(offline, "server", "stop")
    with Agent(offline, command=obedient(BIN / "mp-mcp")) as agent:
        agent.call("inspect_workspace")
        yield agent
    for folder in (home.path / "data", home.path / "spool", home.path / "data" / "1001.db"):
        if folder.exists():
            folder.chmod(0o700)


def is_refused(finished: Finished, says: str, hint: str) -> None:
    assert (finished.code, finished.stdout) == (1, ""), finished
    error, remedy = finished.stderr.strip().splitlines()[-2:]
    assert says in error, finished
    assert hint in remedy, finished


def test_a_data_folder_and_file_that_may_not_be_written_are_read(
    offline: dict[str, str], home: Home, agent: Agent, new: str
) -> None:
    db = home.path / "data" / "1001.db"
    db.chmod(0o400)
    db.parent.chmod(0o500)
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
    is_refused(mp(offline, "load", new), "cannot be written", "permissions")
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
    assert mp(offline, "inspect", "tables").rows[0][:3] == ["events", "events", 30]
    db.parent.chmod(0o700)
    db.chmod(0o600)
    assert mp(offline, "load", new).json["rows"] == 30
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[60]]
    assert "cannot be written" in home.server_log.read_text(encoding="utf-8")


def test_a_folder_without_room_for_a_log_is_read(
    offline: dict[str, str], home: Home, agent: Agent, new: str
) -> None:
    folder = home.path / "data"
    folder.chmod(0o500)
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
    is_refused(mp(offline, "load", new), "1001.db", "permissions")
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
    folder.chmod(0o700)
    assert mp(offline, "load", new).json["rows"] == 30
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[60]]


def test_a_file_that_may_not_be_read_is_an_error_that_names_the_folder(
    offline: dict[str, str], home: Home, agent: Agent, new: str
) -> None:
    db = home.path / "data" / "1001.db"
    db.chmod(0)
    error = agent.error("query_sql", sql=COUNT)
    assert error["code"] == "store", error
    assert str(db.parent) in error["hint"]
    is_refused(mp(offline, "load", new), "1001.db", "permissions")
    db.chmod(0o600)
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]


def test_a_spool_that_may_not_be_written_stops_loads_only(
    offline: dict[str, str], home: Home, agent: Agent, new: str
) -> None:
    spool = home.path / "spool" / "1001"
    assert spool.is_dir()
    spool.chmod(0o500)
    is_refused(mp(offline, "load", new), "spool folder", "Make it writable")
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
    spool.chmod(0o700)
    assert mp(offline, "load", new).json["rows"] == 30


def test_a_data_folder_that_cannot_be_made_is_named(
    offline: dict[str, str], home: Home, agent: Agent
) -> None:
    other = offline | {"MP_PROJECT_ID": "1002"}
    (home.path / "data").chmod(0o500)
    refused = mp(other, "query", "sql", "SELECT 1")
    is_refused(refused, "1002.db", str(home.path / "data"))
    (home.path / "data").chmod(0o700)
    assert mp(other, "query", "sql", "SELECT 1").rows == [[1]]


def test_a_data_folder_that_went_away_is_made_again(
    offline: dict[str, str], home: Home, agent: Agent, tmp_path: Path, new: str
) -> None:
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
    (home.path / "data").rename(tmp_path / "moved")
    assert agent.error("query_sql", sql=COUNT)["code"] == "table_missing"
    (home.path / "data" / "1001.db").rename(tmp_path / "empty.db")
    (tmp_path / "moved" / "1001.db").rename(home.path / "data" / "1001.db")
    assert agent.call("query_sql", sql=COUNT)["rows"] == [[30]]
