"""A data folder that nobody may write: reads go on, writes are refused with the way out."""

import subprocess
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from tests.chaos.disks import obedient
from tests.chaos.events import write_events
from tests.processes.agents import BIN, mp

COUNT = "SELECT count(*) FROM events"


@pytest.fixture
def database(offline: dict[str, str], home: Home, tmp_path: Path) -> Path:
    """A file with 100 events; no server runs."""
    first = write_events(tmp_path / "first.ndjson", 0, 100)
    assert mp(offline, "load", str(first)).json["rows"] == 100
    assert mp(offline, "server", "stop").code == 0
    (path,) = home.path.glob("data/*.db")
    return path


def test_reads_go_on_in_a_read_only_folder_and_a_write_says_what_to_do(
    offline: dict[str, str], database: Path, tmp_path: Path
) -> None:
    second = write_events(tmp_path / "second.ndjson", 1000, 50)
    database.chmod(0o400)
    database.parent.chmod(0o500)
    start = obedient(BIN / "mp", "server", "start")
    subprocess.run(start, env=offline, check=True, capture_output=True, timeout=60)
    assert mp(offline, "query", "sql", COUNT).rows == [[100]]
    refused = mp(offline, "load", str(second))
    assert refused.code == 1, refused
    assert "cannot be written" in refused.stderr
    assert "permissions" in refused.stderr
    assert mp(offline, "query", "sql", COUNT).rows == [[100]], "reads go on"
    database.parent.chmod(0o700)
    database.chmod(0o600)
    assert mp(offline, "load", str(second)).json["rows"] == 50, "no restart is needed"
    assert mp(offline, "query", "sql", COUNT).rows == [[150]]
