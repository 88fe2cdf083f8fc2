"""Where the path is too long for a socket address, server and clients meet all the same."""

import threading
from pathlib import Path

import pytest

from mp_mcp.server import lease, socket_path
from mp_mcp.server.lease import Absent
from mp_mcp.settings import Home
from tests.unit.server.test_lease import exchange, listening


@pytest.mark.parametrize("open_files", ["/proc/self/fd", "/nowhere"], ids=["Linux", "macOS"])
@pytest.mark.parametrize("length", [90, 108, 250])
def test_a_socket_with_a_long_path_is_bound_and_dialled(
    home: Home, length: int, open_files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_path, "OPEN_FILES", open_files)
    deep = Home(home.path / ("d" * min(length, 200)) / ("e" * max(1, length - 200)))
    before = Path.cwd()
    with listening(deep) as listener:
        assert deep.socket.stat().st_mode & 0o777 == 0o600
        exchange(deep, listener)
        assert lease.is_held(deep)
    assert Path.cwd() == before
    with pytest.raises(Absent):
        lease.dial(deep)


@pytest.mark.parametrize("open_files", ["/proc/self/fd", "/nowhere"], ids=["Linux", "macOS"])
def test_threads_may_dial_a_long_path_at_once(
    home: Home, open_files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_path, "OPEN_FILES", open_files)
    deep = Home(home.path / ("d" * 120))
    before = Path.cwd()
    start = threading.Barrier(8)
    reached: list[bool] = []

    def dial() -> None:
        start.wait(5)
        for _ in range(10):
            lease.dial(deep).close()
        reached.append(True)

    with listening(deep):
        threads = [threading.Thread(target=dial) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(reached) == 8
    assert Path.cwd() == before
