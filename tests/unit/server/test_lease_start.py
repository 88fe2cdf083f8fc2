"""Starting the server: what it inherits, and what becomes of one that does not come up."""

import json
import os
import sys
from typing import Any

import pytest

from mp_mcp.server import lease
from mp_mcp.settings import Home


def test_a_server_that_does_not_start_is_reported_with_its_last_words(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program(home, "echo 'no room' >&2; exit 3"))
    with pytest.raises(lease.NotStarted, match="did not start") as caught:
        lease.connect(home)
    assert str(home.server_stderr) in str(caught.value.reason.hint)
    assert "no room" in home.server_stderr.read_text(encoding="utf-8")


def test_a_server_that_is_killed_while_it_starts_is_started_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawned = lease.spawn
    servers: list[Any] = []

    def killed_at_first(home: Home) -> Any:
        with monkeypatch.context() as patch:
            if not servers:
                patch.setattr(sys, "executable", program(home, "kill -KILL $$"))
            servers.append(spawned(home))
        return servers[-1]

    monkeypatch.setattr(lease, "spawn", killed_at_first)
    lease.connect(home).close()
    first, second = servers
    assert first.wait(30) == -9
    second.terminate()
    second.wait(30)


def test_a_server_that_is_killed_each_time_is_reported(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program(home, "echo x >> starts; kill -KILL $$"))
    with pytest.raises(lease.NotStarted, match="did not start"):
        lease.connect(home)
    assert (home.path / "starts").read_text(encoding="utf-8") == "x\n" * lease.MOST_STARTS


def program(home: Home, text: str) -> str:
    """A shell script in place of the Python that servers run in."""
    path = home.path / "program"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


LOOK = """
import json, os, sys
old = os.umask(0)
fds = [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
seen = {"environ": dict(os.environ), "argv": sys.argv[1:], "cwd": os.getcwd(), "umask": old,
        "fds": sorted(map(int, fds)), "leads": os.getsid(0) == os.getpid(),
        "stdin": os.readlink("/proc/self/fd/0")}
json.dump(seen, open("seen.json", "w"))
"""


def test_a_server_is_born_clean(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET", "OAUTH_TOKEN", "USERNAME", "ACCOUNT", "PROJECT_ID", "REGION"):
        monkeypatch.setenv(f"MP_{name}", "of the client")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the client")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    (home.path / "look.py").write_text(LOOK, encoding="utf-8")
    script = f'exec {sys.executable} -I "{home.path}/look.py" "$@"'
    monkeypatch.setattr(sys, "executable", program(home, script))
    leaked = os.open("/dev/null", os.O_RDONLY)
    try:
        assert lease.spawn(home).wait(30) == 0, home.server_stderr.read_text(encoding="utf-8")
    finally:
        os.close(leaked)
    seen: dict[str, Any] = json.loads((home.path / "seen.json").read_text(encoding="utf-8"))
    environ = seen.pop("environ")
    assert "of the client" not in environ.values()
    assert environ["MP_HOME"] == str(home.path)
    assert environ["HTTPS_PROXY"] == "http://proxy:3128"
    assert set(environ) <= {
        *lease._PASSED_ON,
        "MALLOC_ARENA_MAX",
        "PYTHONPATH",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    fds = seen.pop("fds")
    assert [fd for fd in fds if fd > 3] == [], "0, 1, 2 and the folder that was listed"
    assert seen == {
        "argv": ["-P", "-m", "mp_mcp.server"],
        "cwd": str(home.path),
        "umask": 0o077,
        "leads": True,
        "stdin": "/dev/null",
    }
