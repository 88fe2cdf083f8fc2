"""The rows of the same table that spoil a state folder before anything runs in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from tests.processes.agents import mp


@pytest.mark.parametrize("name", ["config.toml", "mp.toml"])
def test_a_file_of_accounts_that_others_can_read_is_refused(
    offline: dict[str, str], home: Home, name: str
) -> None:
    path = home.path / name
    path.write_text('[accounts.a]\nusername = "u"\nsecret = "s3cret"\n', encoding="utf-8")
    path.chmod(0o644)
    found = mp(offline, "inspect", "events")
    assert found.code == 3
    assert f"chmod 600 {path}" in found.stderr
    assert "s3cret" not in found.stderr


@pytest.mark.parametrize("name", ["mp.sock", "server.lock", "http.token", "server.json", ""])
def test_a_symbolic_link_in_run_is_refused(
    offline: dict[str, str], home: Home, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    if name:
        home.create()
        elsewhere.write_text("theirs", encoding="utf-8")
        (home.run / name).symlink_to(elsewhere)
    else:
        elsewhere.mkdir(mode=0o700)
        home.run.symlink_to(elsewhere)
    found = mp(offline, "server", "start", "--http")
    assert found.code == 3
    assert "symbolic link" in found.stderr
    direct = subprocess.run(
        [sys.executable, "-m", "mp_mcp.server"], env=offline, capture_output=True, text=True
    )
    assert direct.returncode == 1
    assert "symbolic link" in direct.stderr
    assert "Traceback" not in direct.stderr
    assert list(elsewhere.iterdir()) == [] if not name else elsewhere.read_text() == "theirs"
