import fcntl
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from mp_mcp.errors import ServerUnreachableError
from mp_mcp.server import lease
from mp_mcp.server.lease import Absent, Lease
from mp_mcp.settings import Home


@contextmanager
def held(home: Home) -> Iterator[Lease]:
    """The lease of a state folder, without a socket."""
    found = lease.acquire(home, patience_s=0)
    assert found is not None
    try:
        yield found
    finally:
        found.withdraw()
        found.release()


@contextmanager
def listening(home: Home) -> Iterator[socket.socket]:
    """A server that has bound its socket."""
    with held(home) as found, closing(found.bind()) as listener:
        listener.settimeout(5)
        yield listener


def no_spawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it fail loudly when a server is started."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")


def exchange(home: Home, listener: socket.socket) -> None:
    """One byte from a client to the server."""
    with closing(lease.dial(home)) as client:
        connected, _ = listener.accept()
        with closing(connected):
            client.sendall(b"!")
            connected.settimeout(5)
            assert connected.recv(1) == b"!"


def test_a_client_reaches_the_listening_server(home: Home) -> None:
    with listening(home) as listener:
        exchange(home, listener)


def test_only_the_owner_can_reach_the_socket(home: Home) -> None:
    with listening(home):
        found = home.socket.stat().st_mode
    assert stat.S_ISSOCK(found)
    assert found & 0o777 == 0o600


def test_nobody_listens_where_no_server_ever_was(home: Home) -> None:
    with pytest.raises(Absent):
        lease.dial(home)
    with pytest.raises(Absent):
        lease.dial(Home(home.path / "never" / "made"))
    assert not lease.is_held(home)


def test_a_stale_socket_is_nobody_and_is_replaced_by_the_next_server(home: Home) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(home.socket))
    with pytest.raises(Absent):
        lease.dial(home)
    with listening(home) as listener:
        exchange(home, listener)


@contextmanager
def crowded(home: Home) -> Iterator[socket.socket]:
    """A server whose queue of callers is full."""
    with held(home), closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(home.socket))
        listener.listen(0)
        waiting: list[socket.socket] = []
        try:
            while True:
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                try:
                    waiting[-1].connect(str(home.socket))
                except BlockingIOError:
                    break
            yield listener
        finally:
            for client in waiting:
                client.close()


def test_a_busy_server_is_unresponsive_and_never_absent(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_spawn(monkeypatch)
    monkeypatch.setattr(lease, "BUSY_PATIENCE_S", 0.1)
    with crowded(home):
        for reach in (lease.dial, lease.connect):
            with pytest.raises(ServerUnreachableError, match="does not answer"):
                reach(home)


def test_a_busy_server_is_waited_for(home: Home) -> None:
    reached: list[socket.socket] = []
    with crowded(home) as listener:
        caller = threading.Thread(target=lambda: reached.append(lease.dial(home)))
        caller.start()
        listener.settimeout(5)
        while not reached and caller.is_alive():
            listener.accept()[0].close()
            caller.join(0.05)
        caller.join(5)
    assert len(reached) == 1
    reached[0].close()


def test_there_is_one_lease(home: Home) -> None:
    with held(home):
        assert lease.acquire(home, patience_s=0) is None
        assert lease.is_held(home)
    assert not lease.is_held(home)
    with held(home):
        pass


def test_the_next_server_waits_for_one_that_is_leaving(home: Home) -> None:
    taken: list[Lease | None] = []
    with held(home):
        successor = threading.Thread(target=lambda: taken.append(lease.acquire(home, 5)))
        successor.start()
        assert taken == []
    successor.join(5)
    assert isinstance(taken[0], Lease)
    taken[0].release()


def test_nobody_waits_behind_a_server_that_stays(home: Home) -> None:
    taken: list[Lease | None] = []
    with listening(home):
        other = threading.Thread(target=lambda: taken.append(lease.acquire(home, 600)))
        other.start()
        other.join(10)
        assert taken == [None]


def test_asking_who_holds_the_lease_does_not_take_it(home: Home) -> None:
    (home.run / "server.lock").touch()
    with closing(os.fdopen(os.open(home.run / "server.lock", os.O_RDWR), "rb")) as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not lease.is_held(home)


def test_a_held_lock_without_a_socket_is_waited_for_and_never_doubled(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_spawn(monkeypatch)
    monkeypatch.setattr(lease, "START_PATIENCE_S", 0.1)
    with held(home) as found:
        found.announce("1.0", ready=False)
        with pytest.raises(ServerUnreachableError, match=rf"pid {os.getpid()}") as caught:
            lease.connect(home)
    assert f"kill -CONT {os.getpid()}" in str(caught.value.hint)


def test_a_starter_that_is_stopped_does_not_hang_the_others(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_spawn(monkeypatch)
    monkeypatch.setattr(lease, "START_PATIENCE_S", 0.1)
    (home.run / "start.lock").touch()
    with (home.run / "start.lock").open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        with pytest.raises(ServerUnreachableError, match="Another program is starting"):
            lease.connect(home)
        with listening(home):
            lease.connect(home).close()


def test_a_state_folder_that_cannot_be_made_is_named(home: Home) -> None:
    (home.path / "file").touch()
    with pytest.raises(lease.NotStarted, match=r"can be started in .*/file/state") as caught:
        lease.connect(Home(home.path / "file" / "state"))
    assert "MP_HOME" in str(caught.value.reason.hint)


def test_server_json_says_who_and_where(home: Home) -> None:
    with held(home) as found:
        found.announce("1.2.3", ready=True)
        told = lease.server_info(home)
    assert told | {"started": 0} == {
        "pid": os.getpid(),
        "version": "1.2.3",
        "socket": str(home.socket),
        "ready": True,
        "started": 0,
    }
    assert lease.server_info(home) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_a_damaged_server_json_says_nothing(home: Home, text: str) -> None:
    home.server_info.write_text(text, encoding="utf-8")
    assert lease.server_info(home) == {}


def test_connections_outlive_the_withdrawal(home: Home) -> None:
    with held(home) as found, closing(found.bind()) as listener:
        with closing(lease.dial(home)) as client:
            connected, _ = listener.accept()
            with closing(connected):
                found.withdraw()
                connected.sendall(b"!")
                assert client.recv(1) == b"!"
        with pytest.raises(Absent):
            lease.dial(home)
        assert lease.is_held(home)
