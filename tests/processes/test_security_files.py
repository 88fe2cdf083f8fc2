"""The rows of the same table that spoil a state folder before anything runs in it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from tests.processes.agents import BIN, mp

OFF = {"MP_SERVER": "off"}


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


def test_the_words_of_a_server_that_starts_are_for_its_owner_only(
    offline: dict[str, str], home: Home
) -> None:
    home.create()
    home.server_stderr.touch(mode=0o644)  # as an older version left it
    command = ["/bin/sh", "-c", f"umask 022; exec {BIN / 'mp'} server start"]
    subprocess.run(command, env=offline, check=True, capture_output=True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.logs.iterdir()}
    assert modes == {"server.stderr": 0o600, "server.log": 0o600}


@pytest.mark.parametrize("more", [{}, OFF], ids=["shared", "embedded"])
def test_a_state_folder_of_ours_that_others_can_write_is_closed_to_them(
    offline: dict[str, str], home: Home, more: dict[str, str]
) -> None:
    home.create()
    home.path.chmod(0o777)
    assert mp(offline | more, "inspect", "workspace").code == 0
    assert stat.S_IMODE(home.path.stat().st_mode) & 0o022 == 0


def test_a_sticky_folder_stays_as_it_is(offline: dict[str, str], home: Home) -> None:
    home.create()
    home.path.chmod(0o1777)  # such as /tmp, where nobody can replace what is another's
    assert mp(offline, "inspect", "workspace").code == 0
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o1777


@pytest.mark.parametrize("more", [{}, OFF], ids=["shared", "embedded"])
def test_a_state_folder_of_another_user_that_others_can_write_is_refused(
    offline: dict[str, str], home: Home, more: dict[str, str]
) -> None:
    if os.geteuid() != 0:
        return  # only root can make such a folder
    home.create()
    home.path.chmod(0o777)
    os.chown(home.path, 65534, 65534)
    found = mp(offline | more, "inspect", "workspace")
    os.chown(home.path, 0, 0)
    assert found.code == 3
    assert "can be changed by other users" in found.stderr


@pytest.mark.parametrize("name", ["", "http.token", "start.lock"])
def test_a_symbolic_link_in_run_is_refused_without_a_shared_server_too(
    offline: dict[str, str], home: Home, tmp_path: Path, name: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if name:
        home.create()
    (home.run / name).symlink_to(elsewhere)
    found = mp(offline | OFF, "inspect", "workspace")
    assert found.code == 3
    assert "symbolic link" in found.stderr
    assert list(elsewhere.iterdir()) == []


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
